//! The project files that no tool on this machine reads: what Gradle and Xcode are told has to be so.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    counts::Counts,
    error::{Error, Result},
};

const CATALOG: &str = "android-sample/gradle/libs.versions.toml";
const LIBRARY_POM: &str = "bindings/kotlin/pom.xml";
const MAVEN: [&str; 6] = [
    "bindings/kotlin-android/pom.xml",
    "android-sample/pom.xml",
    "android-sample/model/pom.xml",
    "android-sample/screens/pom.xml",
    "android-sample/app/pom.xml",
    "tests/guide/kotlin/pom.xml",
];
const GRADLE: [&str; 4] = [
    "android-sample/settings.gradle.kts",
    "android-sample/build.gradle.kts",
    "android-sample/app/build.gradle.kts",
    "bindings/kotlin-android/build.gradle.kts",
];
const XCODE: &str = "ios-sample/RingbackSample.xcodeproj/project.pbxproj";
const MODEL: &str = "ios-sample/Model/Package.swift";
const SDK: &str = "bindings/swift/Package.swift";

/// Looks at every version and path; everything that is wrong is in the error.
pub(crate) fn check(root: &Path) -> Result<Counts> {
    let mut check = Check { root, faults: Vec::new(), made: 0 };
    check.versions()?;
    check.gradle()?;
    check.manifest()?;
    check.xcode()?;
    println!("    {} versions and paths in project files", check.made);
    if check.faults.is_empty() {
        Ok(Counts { passed: 1, ..Counts::default() })
    } else {
        Err(Error::Broken(format!("the project files are wrong:\n  {}", check.faults.join("\n  "))))
    }
}

struct Check<'a> {
    root: &'a Path,
    faults: Vec<String>,
    made: u32,
}

impl Check<'_> {
    fn read(&self, file: &str) -> Result<String> {
        let path = self.root.join(file);
        fs::read_to_string(&path).map_err(Error::file(&path))
    }

    fn holds(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        self.made += 1;
        if !holds {
            self.faults.push(fault());
        }
    }

    fn same(&mut self, file: &str, what: &str, found: Option<&str>, wanted: Option<&str>) {
        self.holds(found.is_some() && found == wanted, || {
            format!("{file}: {what} is {}, not {}", found.unwrap_or("missing"), wanted.unwrap_or("missing"))
        });
    }

    fn exists(&mut self, file: &str, folder: &Path, path: &str) {
        let there = folder.join(path).exists();
        self.holds(there, || format!("{file}: there is no {path}"));
    }

    /// The workspace's version, and what the library's own build takes, everywhere.
    fn versions(&mut self) -> Result<()> {
        let workspace = self.read("Cargo.toml")?;
        let version = value_after(&workspace, "version = \"", '"');
        let library = self.read(LIBRARY_POM)?;
        self.same(LIBRARY_POM, "version", project_version(&library), version);
        for file in MAVEN {
            let pom = self.read(file)?;
            self.same(file, "version", project_version(&pom), version);
            for property in ["kotlin.version", "coroutines.version"] {
                if let Some(found) = element(&pom, property) {
                    self.same(file, property, Some(found), element(&library, property));
                }
            }
        }
        let catalog = self.read(CATALOG)?;
        let in_catalog = |name: &str| value_after(&catalog, &format!("\n{name} = \""), '"');
        self.same(CATALOG, "ringback", in_catalog("ringback"), version);
        self.same(CATALOG, "kotlin", in_catalog("kotlin"), element(&library, "kotlin.version"));
        self.same(CATALOG, "coroutines", in_catalog("coroutines"), element(&library, "coroutines.version"));
        for (name, artifact) in [("okhttp", "okhttp-jvm"), ("jna", "jna")] {
            self.same(CATALOG, name, in_catalog(name), version_of(&library, artifact));
        }
        // Every version is named once and used.
        for reference in values_after(&catalog, "version.ref = \"", '"') {
            self.holds(in_catalog(reference).is_some(), || {
                format!("{CATALOG}: there is no version {reference}")
            });
        }
        let wrapper = "android-sample/gradle/wrapper/gradle-wrapper.properties";
        let text = self.read(wrapper)?;
        let gradle = value_after(&text, "/gradle-", '-').unwrap_or_default();
        self.holds(is_version(gradle), || format!("{wrapper}: names no released Gradle"));
        Ok(())
    }

    /// What the build files name: folders, projects, entries of the catalog.
    fn gradle(&mut self) -> Result<()> {
        let catalog = self.read(CATALOG)?;
        let entries: BTreeSet<String> = catalog
            .lines()
            .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.trim().replace('-', ".")))
            .collect();
        for file in GRADLE {
            let text = self.read(file)?;
            let folder = self.root.join(file).parent().map(PathBuf::from).unwrap_or_default();
            for path in values_after(&text, "\"", '"') {
                // What a build makes is there only afterwards.
                if path.starts_with("../") || path.starts_with("src/") || path.ends_with(".pro") {
                    let given_by_the_plugin = path == "proguard-android-optimize.txt";
                    if !given_by_the_plugin && !path.contains("target/package/") {
                        self.exists(file, &folder, path);
                    }
                }
                if let Some(project) = path.strip_prefix(':').filter(|name| *name != "ringback") {
                    self.exists(
                        file,
                        &self.root.join("android-sample"),
                        &format!("{project}/build.gradle.kts"),
                    );
                }
            }
            for name in references(&text) {
                self.holds(entries.contains(&name), || format!("{file}: {CATALOG} has no {name}"));
            }
        }
        let settings = self.read(GRADLE[0])?;
        let sdk = value_after(&settings, "projectDir = file(\"", '"').unwrap_or_default().to_owned();
        self.exists(GRADLE[0], &self.root.join("android-sample"), &format!("{sdk}/build.gradle.kts"));
        Ok(())
    }

    /// The classes and resources that the manifest names.
    fn manifest(&mut self) -> Result<()> {
        let file = "android-sample/app/src/main/AndroidManifest.xml";
        let text = self.read(file)?;
        let build = self.read(GRADLE[2])?;
        let package = value_after(&build, "namespace = \"", '"').unwrap_or_default().replace('.', "/");
        let main = self.root.join("android-sample/app/src/main");
        let code = fs::read_dir(main.join("kotlin").join(&package))
            .map_err(Error::file(&main))?
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
            .collect::<String>();
        for class in values_after(&text, "android:name=\".", '"') {
            let there =
                code.contains(&format!("class {class} ")) || code.contains(&format!("class {class}("));
            let there = there
                || code.contains(&format!("class {class} :"))
                || code.contains(&format!("class {class}\n"));
            self.holds(there, || format!("{file}: there is no class {class} in {package}"));
        }
        for kind in ["xml", "drawable"] {
            for name in values_after(&text, &format!("\"@{kind}/"), '"') {
                self.exists(file, &main, &format!("res/{kind}/{name}.xml"));
            }
        }
        let values = self.read("android-sample/app/src/main/res/values/strings.xml")?
            + &self.read("android-sample/app/src/main/res/values/themes.xml")?;
        for name in
            values_after(&text, "\"@string/", '"').into_iter().chain(values_after(&text, "\"@style/", '"'))
        {
            let there = values.contains(&format!("name=\"{name}\""));
            self.holds(there, || format!("{file}: there is no value {name}"));
        }
        Ok(())
    }

    /// The Xcode project: ids, paths, versions, and the package that it builds.
    fn xcode(&mut self) -> Result<()> {
        let project = self.read(XCODE)?;
        let model = self.read(MODEL)?;
        let packages = self.read(SDK)? + &model;
        let workspace = self.read("Cargo.toml")?;
        let version = value_after(&workspace, "version = \"", '"');
        let folder = self.root.join("ios-sample");
        for setting in ["INFOPLIST_FILE", "CODE_SIGN_ENTITLEMENTS"] {
            let paths = values_after(&project, &format!("\t{setting} = "), ';');
            self.holds(!paths.is_empty(), || format!("{XCODE}: {setting} is missing"));
            for path in paths {
                self.exists(XCODE, &folder, path.trim_matches('"'));
            }
        }
        for path in values_after(&project, "relativePath = ", ';') {
            self.exists(XCODE, &folder, &format!("{}/Package.swift", path.trim_matches('"')));
        }
        for path in values_after(&project, "path = ", ';') {
            let path = path.trim_matches('"');
            if !path.ends_with(".app") {
                self.exists(XCODE, &folder, path);
            }
        }
        for found in values_after(&project, "MARKETING_VERSION = ", ';') {
            self.same(XCODE, "MARKETING_VERSION", Some(found), version);
        }
        let tools = value_after(&model, "swift-tools-version: ", '\n');
        for found in values_after(&project, "SWIFT_VERSION = ", ';') {
            self.same(XCODE, "SWIFT_VERSION", Some(found), tools);
        }
        let least = value_after(&model, ".iOS(.v", ')').map(|major| format!("{major}.0"));
        for found in values_after(&project, "IPHONEOS_DEPLOYMENT_TARGET = ", ';') {
            self.same(XCODE, "IPHONEOS_DEPLOYMENT_TARGET", Some(found), least.as_deref());
        }
        for product in
            values_after(&project, "productName = ", ';').into_iter().filter(|name| *name != "RingbackSample")
        {
            let there = packages.contains(&format!(".library(name: \"{product}\""));
            self.holds(there, || format!("{XCODE}: no package here has a product {product}"));
        }
        for id in ids(&project) {
            let defined = project
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{id} ")) && line.contains("= {"));
            self.holds(defined, || format!("{XCODE}: {id} is defined nowhere"));
        }
        for list in ["App/Info.plist", "App/RingbackSample.entitlements", "App/PrivacyInfo.xcprivacy"] {
            let text = self.read(&format!("ios-sample/{list}"))?;
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let parsed = roxmltree::Document::parse_with_options(&text, options).is_ok();
            self.holds(parsed, || format!("{list} is no property list"));
        }
        Ok(())
    }
}

/// Every text between `start` and the next `end`.
fn values_after<'t>(text: &'t str, start: &str, end: char) -> Vec<&'t str> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(start) {
        let Some((value, more)) = after.split_once(end) else { break };
        values.push(value);
        rest = more;
    }
    values
}

fn value_after<'t>(text: &'t str, start: &str, end: char) -> Option<&'t str> {
    values_after(text, start, end).into_iter().next()
}

fn element<'t>(pom: &'t str, name: &str) -> Option<&'t str> {
    value_after(pom, &format!("<{name}>"), '<')
}

/// The first version in a POM is its own, or its parent's, which it has.
fn project_version(pom: &str) -> Option<&str> {
    element(pom, "version")
}

fn version_of<'t>(pom: &'t str, artifact: &str) -> Option<&'t str> {
    let (_, after) = pom.split_once(&format!("<artifactId>{artifact}</artifactId>"))?;
    element(after, "version")
}

fn is_version(text: &str) -> bool {
    text.split('.').count() >= 2 && text.split('.').all(|part| part.parse::<u32>().is_ok())
}

/// What a build file takes from the catalog, as the catalog spells it with dots.
fn references(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("libs.") {
        let name: String = text
            .get(at..)
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '.')
            .collect();
        let name = name.trim_start_matches("libs.").trim_end_matches(".get");
        let name = name.trim_start_matches("versions.").trim_start_matches("plugins.");
        if !name.is_empty() && name != "versions.toml" {
            names.insert(name.to_owned());
        }
    }
    names
}

/// The 24 digits by which the objects of an Xcode project know each other.
fn ids(project: &str) -> BTreeSet<&str> {
    project
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            word.len() == 24 && word.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values_versions_and_references() {
        let pom = "<project><version>1.2.3</version><dependency><artifactId>jna</artifactId>\n<version>5.0</version>\
                   </dependency></project>";
        assert_eq!((project_version(pom), version_of(pom, "jna")), (Some("1.2.3"), Some("5.0")));
        assert_eq!(version_of(pom, "other"), None);
        assert_eq!(values_after("a = 1; a = 2;", "a = ", ';'), ["1", "2"]);
        let build =
            "api(libs.kotlinx.coroutines.android)\nlibs.versions.minSdk.get().toInt()\nalias(libs.plugins.a)";
        let names: Vec<_> = references(build).into_iter().collect();
        assert_eq!(names, ["a", "kotlinx.coroutines.android", "minSdk"]);
        assert!(is_version("9.3.1") && !is_version("9.3.1-rc") && !is_version(""));
        assert_eq!(ids("0A0000000000000000000001 /* x */ = {").len(), 1);
    }

    #[test]
    fn says_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut check = Check { root: folder.path(), faults: Vec::new(), made: 0 };
        check.same("a.xml", "version", Some("1"), Some("2"));
        check.same("a.xml", "kotlin", None, None);
        check.exists("a.xml", folder.path(), "nowhere");
        check.exists("a.xml", folder.path(), ".");
        assert_eq!(check.made, 4);
        assert_eq!(
            check.faults,
            [
                "a.xml: version is 1, not 2",
                "a.xml: kotlin is missing, not missing",
                "a.xml: there is no nowhere"
            ]
        );
    }
}
