//! Which Debian mirror this machine uses, read from apt's own sources in both of their forms.

/// A Debian archive as apt knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub uri: String,
    /// The key ring file that apt trusts for it.
    pub signed_by: Option<String>,
}

impl Mirror {
    /// The source line for another suite of the same archive.
    pub(crate) fn line(&self, suite: &str) -> String {
        let options = self.signed_by.as_ref().map(|keys| format!("[signed-by={keys}] ")).unwrap_or_default();
        format!("deb {options}{} {suite} main", self.uri)
    }
}

/// The archive that `sources` (the text of one file) names for the release with this code name.
pub(crate) fn find(sources: &str, codename: &str) -> Option<Mirror> {
    sources
        .split("\n\n")
        .find_map(|stanza| from_stanza(stanza, codename))
        .or_else(|| sources.lines().find_map(|line| from_line(line, codename)))
}

/// `deb [signed-by=/keys.gpg] http://host/debian bookworm main`
fn from_line(line: &str, codename: &str) -> Option<Mirror> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let uri = words.next()?;
    let suite = words.next()?;
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    archive(uri, &[suite], &words.collect::<Vec<_>>(), signed_by, codename)
}

/// The deb822 form: `Types:`, `URIs:`, `Suites:`, `Components:`.
fn from_stanza(stanza: &str, codename: &str) -> Option<Mirror> {
    let field = |name: &str| {
        stanza.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let list = |name| field(name).map(|value| value.split_whitespace().collect::<Vec<_>>());
    if field("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"))
        || !list("Types")?.contains(&"deb")
    {
        return None;
    }
    let (uris, suites, components) = (list("URIs")?, list("Suites")?, list("Components")?);
    uris.iter().find_map(|uri| archive(uri, &suites, &components, field("Signed-By"), codename))
}

/// Only the main archive will do: its updates and other publishers' archives do not have every suite.
fn archive(
    uri: &str,
    suites: &[&str],
    components: &[&str],
    signed_by: Option<&str>,
    codename: &str,
) -> Option<Mirror> {
    let uri = uri.trim_end_matches('/');
    let is_archive = (uri.starts_with("http://") || uri.starts_with("https://"))
        && uri.rsplit('/').next() == Some("debian")
        && suites.contains(&codename)
        && components.contains(&"main");
    is_archive.then(|| Mirror {
        uri: uri.to_owned(),
        // A key written into the file itself is Debian's own, which every Debian trusts anyway.
        signed_by: signed_by.filter(|keys| keys.starts_with('/')).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_stanza_form_and_passes_over_updates_and_disabled_ones() {
        let sources = "Types: deb\nURIs: http://a.example/debian-security\nSuites: bookworm-security\nComponents: main\n\n\
             Enabled: no\nTypes: deb\nURIs: http://b.example/debian\nSuites: bookworm\nComponents: main\n\n\
             Types: deb deb-src\n# a remark\nURIs: http://c.example/debian/\nSuites: bookworm bookworm-updates\n\
             Components: main contrib\nSigned-By: /usr/share/keyrings/keys.gpg\n";
        let mirror = find(sources, "bookworm").expect("a mirror");
        assert_eq!(mirror.uri, "http://c.example/debian");
        assert_eq!(
            mirror.line("trixie"),
            "deb [signed-by=/usr/share/keyrings/keys.gpg] http://c.example/debian trixie main"
        );
    }

    #[test]
    fn reads_the_one_line_form_with_and_without_options() {
        let plain =
            "# deb http://a.example/debian bookworm main\ndeb http://b.example/debian bookworm main\n";
        assert_eq!(
            find(plain, "bookworm").expect("a mirror").line("trixie"),
            "deb http://b.example/debian trixie main"
        );
        let options = "deb [arch=amd64 signed-by=/k.gpg] https://c.example/debian bookworm contrib main\n";
        assert_eq!(
            find(options, "bookworm"),
            Some(Mirror { uri: "https://c.example/debian".into(), signed_by: Some("/k.gpg".into()) })
        );
    }

    #[test]
    fn passes_over_other_publishers_other_releases_and_other_schemes() {
        for line in [
            "deb https://tools.example/apt bookworm main",
            "deb http://a.example/debian bookworm-backports main",
            "deb http://a.example/debian bookworm contrib",
            "deb cdrom:[disc]/debian bookworm main",
            "deb-src http://a.example/debian bookworm main",
        ] {
            assert_eq!(find(line, "bookworm"), None, "{line}");
        }
    }
}
