//! What the Swift module offers, read from the symbol graphs of its compiler.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use serde_json::Value;

use crate::{
    api,
    error::{Error, Result},
    places,
};

/// The generated code is public for the hand-written layer; apps see of it what that layer names.
const GENERATED: &str = "RingbackGenerated";

/// One declaration a line, sorted, of all graphs in a folder.
pub(crate) fn read(graphs: &Path) -> Result<String> {
    let mut symbols = Vec::new();
    for file in places::files_below(graphs)? {
        let graph: Value = serde_json::from_str(&api::read(&file)?)
            .map_err(|error| Error::Broken(format!("{}: {error}", file.display())))?;
        let module = graph["module"]["name"].as_str().unwrap_or_default().to_owned();
        let list = graph["symbols"].as_array().cloned().unwrap_or_default();
        symbols.extend(list.iter().map(|symbol| Symbol::of(&module, symbol)));
    }
    lines(&symbols)
}

fn lines(symbols: &[Symbol]) -> Result<String> {
    let named: HashSet<&str> = symbols.iter().filter_map(Symbol::alias_of).collect();
    let lines: BTreeSet<String> = symbols
        .iter()
        .filter(|symbol| {
            symbol.module != GENERATED
                || symbol.path.first().is_some_and(|name| named.contains(name.as_str()))
        })
        .map(|symbol| format!("{}: {}\n", symbol.path.join("."), symbol.declaration))
        .collect();
    if lines.is_empty() {
        return Err(Error::Broken("the symbol graphs hold no symbol".to_owned()));
    }
    Ok(lines.into_iter().collect())
}

struct Symbol {
    module: String,
    /// The type it is in, and its own name.
    path: Vec<String>,
    declaration: String,
}

impl Symbol {
    fn of(module: &str, symbol: &Value) -> Self {
        let texts = |value: &Value, key: Option<&str>| -> Vec<String> {
            let items = value.as_array().cloned().unwrap_or_default();
            let text = |item: &Value| {
                let text = key.map_or(item, |key| &item[key]);
                text.as_str().unwrap_or_default().to_owned()
            };
            items.iter().map(text).collect()
        };
        let declaration = texts(&symbol["declarationFragments"], Some("spelling")).concat();
        Self {
            module: module.to_owned(),
            path: texts(&symbol["pathComponents"], None),
            declaration: declaration.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    /// Which generated type a `typealias` makes public.
    fn alias_of(&self) -> Option<&str> {
        let (_, target) = self.declaration.strip_prefix("typealias ")?.split_once(" = ")?;
        (self.module != GENERATED).then(|| target.rsplit('.').next().unwrap_or(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(module: &str, path: &[&str], declaration: &str) -> Symbol {
        let path = path.iter().map(|&name| name.to_owned()).collect();
        Symbol { module: module.to_owned(), path, declaration: declaration.to_owned() }
    }

    #[test]
    fn of_the_generated_types_only_those_that_the_layer_names_are_surface() {
        let symbols = [
            symbol("Ringback", &["Offer"], "typealias Offer = RingbackGenerated.Offer"),
            symbol(GENERATED, &["Offer"], "struct Offer"),
            symbol(GENERATED, &["Offer", "service"], "let service: String"),
            symbol(GENERATED, &["Client"], "class Client"),
        ];
        assert_eq!(
            lines(&symbols).expect("lines"),
            "Offer.service: let service: String\nOffer: struct Offer\n\
             Offer: typealias Offer = RingbackGenerated.Offer\n"
        );
    }

    #[test]
    fn a_graph_without_symbols_is_an_error() {
        assert!(lines(&[]).is_err());
    }

    #[test]
    fn a_declaration_is_put_together_from_its_parts() {
        let graph = serde_json::json!({
            "pathComponents": ["Ringback", "offer(_:)"],
            "declarationFragments": [{"spelling": "func"}, {"spelling": " "}, {"spelling": "offer(\n"}]
        });
        assert_eq!(Symbol::of("Ringback", &graph).declaration, "func offer(");
    }
}
