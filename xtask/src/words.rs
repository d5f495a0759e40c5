//! The words of the iOS sample, which no tool on this machine reads: every language has them all, with the same blanks, set as
//! that language sets them. The Android sample's are Kotlin, and its own tests look at them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{
    counts::Counts,
    error::{Error, Result},
};

const APP: &str = "ios-sample/App";
const LANGUAGES: [&str; 4] = ["en", "de", "fr", "es"];
/// The keys of a language that the screens are written in need no translation.
const WRITTEN_IN: &str = "en";
/// What pushes name; English has these too.
const PUSH: &str = "ringback_";
/// Stands for whatever is put in.
const BLANK: char = '\u{0}';

/// Looks at every key and every text; everything that is wrong is in the error.
pub(crate) fn check(root: &Path) -> Result<Counts> {
    let app = root.join(APP);
    let used = used(&app.join("Screens"))?;
    let mut faults = Vec::new();
    let mut languages = BTreeMap::new();
    for language in LANGUAGES {
        languages.insert(language, Language::read(&app, language, &mut faults)?);
    }
    let mut texts = 0;
    let Some(english) = languages.get(WRITTEN_IN).cloned() else { return Ok(Counts::default()) };
    for (language, words) in &languages {
        texts += words.texts.len();
        faults
            .extend(words.faults(language, &used, &english).into_iter().map(|f| format!("{language}: {f}")));
    }
    println!("    {texts} texts in {} languages", LANGUAGES.len());
    if faults.is_empty() {
        Ok(Counts { passed: 1, ..Counts::default() })
    } else {
        Err(Error::Broken(format!("the iOS sample's words are wrong:\n  {}", faults.join("\n  "))))
    }
}

/// One language's texts, by key. One with plural forms has several.
#[derive(Clone, Default)]
struct Language {
    texts: BTreeMap<String, Vec<String>>,
    plurals: BTreeMap<String, BTreeSet<String>>,
}

impl Language {
    fn read(app: &Path, language: &str, faults: &mut Vec<String>) -> Result<Self> {
        let folder = app.join(format!("{language}.lproj"));
        let file = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(Error::file(&path))
        };
        let mut words = Self::default();
        for (key, text) in pairs(&file("Localizable.strings")?) {
            if words.texts.insert(key.clone(), vec![text]).is_some() {
                faults.push(format!("{language}: {key} is there twice"));
            }
        }
        for (key, forms) in plurals(&file("Localizable.stringsdict")?) {
            words.plurals.insert(key.clone(), forms.keys().cloned().collect());
            if words.texts.insert(key.clone(), forms.into_values().collect()).is_some() {
                faults.push(format!("{language}: {key} is there twice"));
            }
        }
        Ok(words)
    }

    fn faults(&self, language: &str, used: &BTreeSet<String>, english: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        let on_screens: BTreeSet<_> =
            self.texts.keys().filter(|key| !key.starts_with(PUSH)).map(|key| blanked(key)).collect();
        if language != WRITTEN_IN {
            let missing = used.difference(&on_screens).map(|key| format!("no text for {key:?}"));
            let unused = on_screens.difference(used).map(|key| format!("no screen says {key:?}"));
            faults.extend(missing.chain(unused));
        }
        let pushed = |words: &Self| -> BTreeSet<String> {
            words.texts.keys().filter(|key| key.starts_with(PUSH)).cloned().collect()
        };
        if pushed(self) != pushed(english) {
            faults.push("pushes name other texts than in English".to_owned());
        }
        let mut forms = BTreeSet::from(["one".to_owned(), "other".to_owned()]);
        if matches!(language, "fr" | "es") {
            forms.insert("many".to_owned());
        }
        for key in english.plurals.keys() {
            if self.plurals.get(key) != Some(&forms) {
                faults.push(format!("{key:?} does not have the plural forms {forms:?}"));
            }
        }
        for (key, texts) in &self.texts {
            for text in texts {
                if blanks(key) != blanks(text) {
                    faults.push(format!("{text:?} does not have the blanks of {key:?}"));
                }
                faults.extend(ill_set(language, text).map(|why| format!("{text:?}: {why}")));
            }
        }
        faults
    }
}

/// What is wrong with how a text is set, if anything.
fn ill_set(language: &str, text: &str) -> Option<&'static str> {
    let before_signs: Vec<_> = text
        .char_indices()
        .filter(|(_, c)| matches!(c, ':' | ';' | '!' | '?'))
        .map(|(at, _)| text.get(..at).and_then(|before| before.chars().next_back()))
        .collect();
    if text.trim() != text || text.is_empty() || text.contains("  ") {
        Some("spaces at its ends or twice, or nothing at all")
    } else if text.contains('\'') || text.contains("...") {
        Some("a typewriter's apostrophe or dots")
    } else if language == "fr" && before_signs.iter().any(|before| *before != Some('\u{202F}')) {
        Some("no narrow no-break space before a sign")
    } else if language != "fr" && before_signs.iter().flatten().any(|before| before.is_whitespace()) {
        Some("a space before a sign")
    } else if language == "es" && text.matches('?').count() != text.matches('¿').count() {
        Some("a question that does not begin as one")
    } else {
        None
    }
}

/// The formats in a text, in any order.
fn blanks(text: &str) -> Vec<&'static str> {
    let mut found: Vec<_> =
        ["%@", "%lld"].into_iter().flat_map(|format| text.matches(format).map(move |_| format)).collect();
    found.sort_unstable();
    found
}

/// The text with one mark for each format.
fn blanked(text: &str) -> String {
    ["%@", "%lld"].into_iter().fold(text.to_owned(), |text, format| text.replace(format, &BLANK.to_string()))
}

/// What the screens say: every literal that begins like a sentence.
fn used(screens: &Path) -> Result<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(screens).map_err(Error::file(screens))? {
        let path = entry.map_err(Error::file(screens))?.path();
        let code = fs::read_to_string(&path).map_err(Error::file(&path))?;
        used.extend(
            literals(&code).into_iter().filter(|text| text.starts_with(|c: char| c.is_ascii_uppercase())),
        );
    }
    Ok(used)
}

/// The string literals of Swift code, with a mark for each interpolation.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '/' && chars.peek() == Some(&'/') {
            chars.by_ref().find(|c| *c == '\n');
        }
        if c == '"' {
            found.push(literal(&mut chars));
        }
    }
    found
}

/// The rest of a literal, up to its closing quote.
fn literal(chars: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('(') => {
                    text.push(BLANK);
                    let mut open = 1;
                    while open > 0 {
                        match chars.next() {
                            Some('(') => open += 1,
                            Some(')') => open -= 1,
                            Some('"') => drop(literal(chars)),
                            Some(_) => {}
                            None => return text,
                        }
                    }
                }
                Some(escaped) => text.push(escaped),
                None => break,
            },
            c => text.push(c),
        }
    }
    text
}

/// The keys and values of a `.strings` file.
fn pairs(file: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in file.lines() {
        let mut chars = line.trim().chars();
        if chars.next() != Some('"') {
            continue;
        }
        let key = literal(&mut chars);
        if chars.by_ref().find(|c| *c == '"').is_some() {
            pairs.push((key, literal(&mut chars)));
        }
    }
    pairs
}

/// The texts of a `.stringsdict` file: by key, then by plural form.
fn plurals(file: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let Ok(document) = roxmltree::Document::parse_with_options(file, options) else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    let top = document.root_element().children().find(|node| node.has_tag_name("dict"));
    for (key, value) in top.into_iter().flat_map(entries) {
        let forms = value
            .descendants()
            .filter(|node| node.has_tag_name("dict") && *node != value)
            .flat_map(entries)
            .filter(|(form, _)| !form.starts_with("NS"))
            .map(|(form, text)| (form, text.text().unwrap_or_default().to_owned()))
            .collect();
        found.insert(key, forms);
    }
    found
}

/// A property list's dictionary: keys and values follow each other.
fn entries<'a, 'i>(dict: roxmltree::Node<'a, 'i>) -> Vec<(String, roxmltree::Node<'a, 'i>)> {
    let nodes: Vec<_> = dict.children().filter(roxmltree::Node::is_element).collect();
    nodes
        .chunks(2)
        .filter_map(|pair| match pair {
            [key, value] => Some((key.text()?.to_owned(), *value)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_swift_says() {
        let code = r#"Text("As of \(age.moment(at: "x")); yes") // Text("No")
            Image("phone") .alert("Give \"up\"?")"#;
        assert_eq!(literals(code), ["As of \0; yes", "phone", "Give \"up\"?"]);
    }

    #[test]
    fn reads_texts_and_plurals() {
        let file = "/* A note. */\n\"Call\" = \"Anrufen\";\n\n\"As of %@\" = \"Stand %@\";\n";
        let texts = pairs(file);
        assert_eq!(texts.first().map(|(key, text)| (key.as_str(), text.as_str())), Some(("Call", "Anrufen")));
        assert_eq!(blanked("As of %@, %lld"), "As of \0, \0");
        let plural = "<plist><dict><key>%lld m</key><dict><key>NSStringLocalizedFormatKey</key><string>%#@m@</string>\
            <key>m</key><dict><key>NSStringFormatValueTypeKey</key><string>lld</string><key>one</key>\
            <string>%lld minute</string><key>other</key><string>%lld minutes</string></dict></dict></dict></plist>";
        let forms = plurals(plural).remove("%lld m").expect("the key is there");
        assert_eq!(
            forms.into_iter().collect::<Vec<_>>(),
            [("one".to_owned(), "%lld minute".to_owned()), ("other".to_owned(), "%lld minutes".to_owned()),]
        );
    }

    #[test]
    fn finds_what_is_wrong() {
        assert_eq!(ill_set("fr", "Et vous\u{202F}?"), None);
        assert!(ill_set("fr", "Et vous ?").is_some() && ill_set("fr", "Et vous?").is_some());
        assert!(ill_set("de", "Und Sie ?").is_some() && ill_set("es", "Y usted?").is_some());
        assert!(ill_set("en", "it's").is_some() && ill_set("en", "").is_some());
        let language = |texts: &[(&str, &str)]| Language {
            texts: texts.iter().map(|(key, text)| ((*key).to_owned(), vec![(*text).to_owned()])).collect(),
            plurals: BTreeMap::new(),
        };
        let english = language(&[("ringback_a", "A")]);
        let used = BTreeSet::from(["Call".to_owned(), "As of \0".to_owned()]);
        let good = language(&[("ringback_a", "B"), ("Call", "Anrufen"), ("As of %@", "Stand %@")]);
        assert_eq!(good.faults("de", &used, &english), Vec::<String>::new());
        let bad = language(&[("Call", "Anrufen"), ("As of %@", "Stand"), ("Old", "Alt")]);
        assert_eq!(bad.faults("de", &used, &english).len(), 3);
    }
}
