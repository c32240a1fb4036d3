//! A note: HTML at Odoo, lines of text with us. Pure. What is bold or a list there is plain here, and stays as it is there
//! until somebody edits the note elsewhere.

/// Elements that begin on a line of their own.
const BLOCKS: [&str; 14] = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "blockquote",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
];

/// Lines as HTML.
pub(super) fn of_text(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('&', "&amp;");
        line.replace('<', "&lt;").replace('>', "&gt;")
    });
    format!("<p>{}</p>", lines.collect::<Vec<_>>().join("<br>"))
}

/// HTML as lines.
pub(super) fn to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        push(&mut out, text);
        let Some((tag, after)) = tag.split_once('>') else {
            // No tag at all.
            push(&mut out, tag);
            rest = "";
            break;
        };
        rest = after;
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let name = name.to_ascii_lowercase();
        let begins_line =
            BLOCKS.contains(&name.as_str()) && !out.is_empty() && !out.ends_with('\n');
        if name == "br" || begins_line {
            out.push('\n');
        }
    }
    push(&mut out, rest);
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Text between tags: its entities are what they stand for.
fn push(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').and_then(|(name, after)| {
            let letter = entity(name)?;
            Some((letter, after))
        });
        let (letter, after) = entity.unwrap_or(('&', after));
        out.push(letter);
        rest = after;
    }
    out.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
