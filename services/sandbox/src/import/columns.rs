//! What a CSV column means, by its header: Google's present and former headers, and Outlook's English ones.
//! A header that is not listed is no error: its values are kept under its name.

/// The meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// One value of the contact.
    Single(Single),
    /// A part of the n-th value of a kind: `E-mail 2 - Value`.
    Numbered(Kind, u16, Part),
    /// A value whose label is in the header: `Business Phone`.
    Labelled(Kind, &'static str, Part),
    /// Not known.
    Unknown,
}

/// Fields a contact has once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Single {
    Full,
    Prefix,
    Given,
    Middle,
    Family,
    Suffix,
    PhoneticGiven,
    PhoneticMiddle,
    PhoneticFamily,
    Nickname,
    FileAs,
    Organisation,
    Title,
    Department,
    Birthday,
    Notes,
    Photo,
    Labels,
    Categories,
}

/// Fields a contact has many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Email,
    Phone,
    Address,
    Organisation,
    Website,
    Event,
    Relation,
    Im,
    Custom,
}

/// Parts of such a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Label,
    Value,
    Service,
    Formatted,
    Street,
    City,
    PoBox,
    Region,
    PostalCode,
    Country,
    Extended,
    Name,
    Title,
    Department,
    JobDescription,
}

const SINGLES: [(&str, Single); 38] = [
    ("name", Single::Full),
    ("name prefix", Single::Prefix),
    ("title", Single::Prefix),
    ("first name", Single::Given),
    ("given name", Single::Given),
    ("middle name", Single::Middle),
    ("additional name", Single::Middle),
    ("last name", Single::Family),
    ("family name", Single::Family),
    ("name suffix", Single::Suffix),
    ("suffix", Single::Suffix),
    ("phonetic first name", Single::PhoneticGiven),
    ("given name yomi", Single::PhoneticGiven),
    ("given yomi", Single::PhoneticGiven),
    ("phonetic middle name", Single::PhoneticMiddle),
    ("additional name yomi", Single::PhoneticMiddle),
    ("phonetic last name", Single::PhoneticFamily),
    ("family name yomi", Single::PhoneticFamily),
    ("surname yomi", Single::PhoneticFamily),
    ("nickname", Single::Nickname),
    ("file as", Single::FileAs),
    ("organization name", Single::Organisation),
    ("organisation name", Single::Organisation),
    ("company", Single::Organisation),
    ("organization", Single::Organisation),
    ("organization title", Single::Title),
    ("job title", Single::Title),
    ("organization department", Single::Department),
    ("department", Single::Department),
    ("birthday", Single::Birthday),
    ("notes", Single::Notes),
    ("note", Single::Notes),
    ("photo", Single::Photo),
    ("labels", Single::Labels),
    ("group membership", Single::Labels),
    ("categories", Single::Categories),
    ("surname", Single::Family),
    ("display name", Single::Full),
];

const KINDS: [(&str, Kind); 11] = [
    ("e-mail", Kind::Email),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("address", Kind::Address),
    ("organization", Kind::Organisation),
    ("website", Kind::Website),
    ("event", Kind::Event),
    ("relation", Kind::Relation),
    ("im", Kind::Im),
    ("custom field", Kind::Custom),
    ("custom", Kind::Custom),
];

const PARTS: [(&str, Part); 17] = [
    ("label", Part::Label),
    ("type", Part::Label),
    ("value", Part::Value),
    ("service", Part::Service),
    ("formatted", Part::Formatted),
    ("street", Part::Street),
    ("city", Part::City),
    ("po box", Part::PoBox),
    ("region", Part::Region),
    ("state", Part::Region),
    ("postal code", Part::PostalCode),
    ("country", Part::Country),
    ("extended address", Part::Extended),
    ("name", Part::Name),
    ("title", Part::Title),
    ("department", Part::Department),
    ("job description", Part::JobDescription),
];

/// Outlook says which phone and which address in the header.
const LABELLED: [(&str, Kind, &str); 30] = [
    ("e-mail address", Kind::Email, ""),
    ("email address", Kind::Email, ""),
    ("primary email", Kind::Email, ""),
    ("e-mail 2 address", Kind::Email, ""),
    ("e-mail 3 address", Kind::Email, ""),
    ("secondary email", Kind::Email, ""),
    ("primary phone", Kind::Phone, "main"),
    ("mobile phone", Kind::Phone, "mobile"),
    ("mobile number", Kind::Phone, "mobile"),
    ("home phone", Kind::Phone, "home"),
    ("home phone 2", Kind::Phone, "home"),
    ("business phone", Kind::Phone, "work"),
    ("business phone 2", Kind::Phone, "work"),
    ("work phone", Kind::Phone, "work"),
    ("company main phone", Kind::Phone, "main"),
    ("other phone", Kind::Phone, "other"),
    ("car phone", Kind::Phone, "car"),
    ("radio phone", Kind::Phone, "radio"),
    ("assistant's phone", Kind::Phone, "assistant"),
    ("callback", Kind::Phone, "callback"),
    ("home fax", Kind::Phone, "homeFax"),
    ("business fax", Kind::Phone, "workFax"),
    ("other fax", Kind::Phone, "otherFax"),
    ("fax number", Kind::Phone, "otherFax"),
    ("pager", Kind::Phone, "pager"),
    ("web page", Kind::Website, ""),
    ("anniversary", Kind::Event, "anniversary"),
    ("spouse", Kind::Relation, "spouse"),
    ("manager's name", Kind::Relation, "manager"),
    ("assistant's name", Kind::Relation, "assistant"),
];

/// Reads a header.
pub(super) fn column(header: &str) -> Column {
    let header = header.trim().to_lowercase();
    if let Some((_, single)) = SINGLES.iter().find(|(name, _)| *name == header) {
        return Column::Single(*single);
    }
    if let Some((_, kind, label)) = LABELLED.iter().find(|(name, ..)| *name == header) {
        return Column::Labelled(*kind, label, Part::Value);
    }
    numbered(&header)
        .or_else(|| outlook_address(&header))
        .unwrap_or(Column::Unknown)
}

fn numbered(header: &str) -> Option<Column> {
    let (field, part) = header.split_once(" - ")?;
    let (kind, number) = field.rsplit_once(' ')?;
    let (_, kind) = KINDS.iter().find(|(name, _)| *name == kind)?;
    let (_, part) = PARTS.iter().find(|(name, _)| *name == part.trim())?;
    let number = number.parse().ok()?;
    let fits = match part {
        Part::Label => true,
        Part::Value => !matches!(kind, Kind::Address | Kind::Organisation),
        Part::Service => *kind == Kind::Im,
        Part::Name | Part::Title | Part::Department | Part::JobDescription => {
            *kind == Kind::Organisation
        }
        _ => *kind == Kind::Address,
    };
    fits.then_some(Column::Numbered(*kind, number, *part))
}

/// `Business City`, `Home Postal Code`, `Other Country/Region`.
fn outlook_address(header: &str) -> Option<Column> {
    let (place, part) = header.split_once(' ')?;
    let label = match place {
        "business" | "work" => "work",
        "home" => "home",
        "other" => "other",
        _ => return None,
    };
    let part = match part {
        "country/region" => Part::Country,
        "address po box" => Part::PoBox,
        "zipcode" => Part::PostalCode,
        "address" => Part::Street,
        "address 2" | "street 2" => Part::Extended,
        _ => PARTS.iter().find(|(name, _)| *name == part)?.1,
    };
    let of_address = matches!(
        part,
        Part::Street
            | Part::City
            | Part::PoBox
            | Part::Region
            | Part::PostalCode
            | Part::Country
            | Part::Extended
    );
    of_address.then_some(Column::Labelled(Kind::Address, label, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expect: Column) {
        assert_eq!(column(header), expect, "{header}");
    }

    #[test]
    fn headers_of_three_programs() {
        check("First Name", Column::Single(Single::Given));
        check(" given name ", Column::Single(Single::Given));
        check(
            "E-mail 12 - Label",
            Column::Numbered(Kind::Email, 12, Part::Label),
        );
        check(
            "Custom Field 1 - Value",
            Column::Numbered(Kind::Custom, 1, Part::Value),
        );
        check(
            "Organization 1 - Job Description",
            Column::Numbered(Kind::Organisation, 1, Part::JobDescription),
        );
        check(
            "Business Postal Code",
            Column::Labelled(Kind::Address, "work", Part::PostalCode),
        );
        check(
            "Home Fax",
            Column::Labelled(Kind::Phone, "homeFax", Part::Value),
        );
        check("Organization 1 - Yomi Name", Column::Unknown);
        check("Phone 99999999 - Value", Column::Unknown);
        check("Vorname", Column::Unknown);
        check("", Column::Unknown);
    }
}
