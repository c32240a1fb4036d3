//! The properties that every program writes in its own way: chat accounts, social networks, Android's packed fields,
//! photos. What they have in common with all others is in [`super::card`].

use super::super::contact::{Event, Labelled, Photo};
use super::super::dates;
use super::super::loss::Losses;
use super::card::Reader;
use super::property::{self, Property};

impl Reader {
    pub(super) fn chat(&mut self, property: &Property, losses: &mut Losses) {
        let text = property.text();
        let (scheme, rest) = text.split_once(':').unwrap_or(("", &text));
        let service = property
            .param("X-SERVICE-TYPE")
            .or(property.param("SERVICE-TYPE"));
        let service = match (service, scheme) {
            (Some(service), _) => service.to_ascii_lowercase(),
            (None, "" | "x-apple" | "http" | "https") => self.label(property, losses),
            (None, scheme) => scheme.to_ascii_lowercase(),
        };
        let value = if matches!(scheme, "http" | "https") {
            &text
        } else {
            rest
        };
        let mut chat = Labelled::new(service, value.trim_start_matches("//"));
        chat.preferred = property.preferred;
        self.contact.im.push(chat);
    }

    pub(super) fn social(&mut self, property: &Property, losses: &mut Losses) {
        let service = property
            .param("SERVICE-TYPE")
            .or(property.param("X-SERVICE-TYPE"));
        let service = service.map(str::to_ascii_lowercase);
        let label = service.unwrap_or_else(|| self.label(property, losses));
        let text = property.text();
        let user = property
            .param("X-USER")
            .filter(|user| !text.contains(*user));
        self.contact
            .social
            .push(Labelled::new(label.clone(), &text));
        if let Some(user) = user {
            self.contact.keep(&format!("user name at {label}"), user);
        }
    }

    /// Android packs what 2.1 has no property for: `vnd.android.cursor.item/nickname;Bob;1;;...`
    pub(super) fn android(&mut self, property: &Property, losses: &mut Losses) {
        let text = property.text();
        let mut parts = text.split(';');
        let kind = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default().trim();
        let kind_code = parts.next().unwrap_or_default();
        let custom = parts.next().unwrap_or_default();
        match kind.rsplit('/').next().unwrap_or_default() {
            "nickname" => self.contact.nicknames.push(value.to_owned()),
            "relation" => {
                let label = match kind_code {
                    "1" => "assistant",
                    "2" => "brother",
                    "3" => "child",
                    "4" => "domesticPartner",
                    "5" => "father",
                    "6" => "friend",
                    "7" => "manager",
                    "8" => "mother",
                    "9" => "parent",
                    "10" => "partner",
                    "13" => "sister",
                    "14" => "spouse",
                    _ => custom,
                };
                self.contact.relations.push(Labelled::new(label, value));
            }
            "contact_event" => match dates::read(value) {
                Some(read) => {
                    let label = if kind_code == "1" {
                        "anniversary"
                    } else {
                        custom
                    };
                    let (label, date) = (label.to_owned(), read.date);
                    self.contact.events.push(Event { label, date });
                }
                None => self.contact.keep("X-ANDROID-CUSTOM", &text),
            },
            _ => {
                let why = "this Android field is not known; kept as text";
                losses
                    .at(property.line)
                    .moved("X-ANDROID-CUSTOM", &text, why);
                self.contact.keep("X-ANDROID-CUSTOM", &text);
            }
        }
    }

    pub(super) fn photo(&mut self, property: &Property, losses: &mut Losses) {
        let media = property.param("MEDIATYPE").map(str::to_owned);
        let by_type = property.types.iter().find(|each| *each != "pref");
        let media = media.or_else(|| {
            by_type.map(|kind| {
                if kind.contains('/') {
                    kind.clone()
                } else {
                    format!("image/{kind}")
                }
            })
        });
        let text = property.text();
        let photo = match &property.binary {
            Some(data) => Some((media, data.clone())),
            None => data_uri(&text).map(|(kind, data)| (Some(kind).or(media), data)),
        };
        let photo = match photo {
            Some((media_type, data)) if !data.is_empty() => Photo::Bytes { media_type, data },
            Some(_) => {
                losses
                    .at(property.line)
                    .lost("PHOTO", "", "there is no picture in it");
                return;
            }
            None if text.is_empty() => return,
            None if text.starts_with("data:") => {
                losses
                    .at(property.line)
                    .lost("PHOTO", &text, "its data cannot be decoded");
                return;
            }
            None => Photo::Uri(text),
        };
        if self.contact.photo.is_some() {
            losses.at(property.line).lost(
                "PHOTO",
                "",
                "a contact has one photo, and it has another",
            );
        } else {
            self.contact.photo = Some(photo);
        }
    }
}

/// The media type and bytes of a `data:` address in base64.
fn data_uri(text: &str) -> Option<(String, Vec<u8>)> {
    let (head, data) = text.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    let data = property::from_base64(data.as_bytes())?;
    Some((kind.to_owned(), data))
}
