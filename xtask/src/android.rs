//! The AAR: needs the NDK to link for Android.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    package,
    places::{self, Places, cargo},
    shipped::{self, Runner},
};

/// The oldest Android.
const API: u32 = 24;
/// Android's largest memory page: a library that is not aligned to it does not load on newer phones.
const PAGE: u64 = 16 * 1024;

struct Abi {
    name: &'static str,
    target: &'static str,
    /// What the NDK's compiler for it is called after.
    clang: &'static str,
}

const ABIS: [Abi; 3] = [
    Abi { name: "arm64-v8a", target: "aarch64-linux-android", clang: "aarch64-linux-android" },
    Abi { name: "armeabi-v7a", target: "armv7-linux-androideabi", clang: "armv7a-linux-androideabi" },
    Abi { name: "x86_64", target: "x86_64-linux-android", clang: "x86_64-linux-android" },
];

/// Builds the library for every ABI and puts the AAR together.
pub(crate) fn package(places: &Places, run: Runner<'_>) -> Result<PathBuf> {
    let ndk = ndk()?;
    package::kotlin(places, run)?;
    let contents = package::folder(places).join("build/aar");
    places::fresh_folder(&contents)?;
    for abi in &ABIS {
        let library = build(places, &ndk, abi, run)?;
        let target = contents.join("jni").join(abi.name).join("libringback_bindings.so");
        package::copy(&library, &target)?;
        run(Command::new(ndk.join("llvm-strip")).arg("--strip-all").arg(&target))?;
    }
    assemble(places, &contents, run)
}

/// The NDK's folder of programs.
fn ndk() -> Result<PathBuf> {
    let home = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"].iter().find_map(env::var_os).ok_or_else(|| {
        Error::missing("the Android NDK", "install it and name its folder in ANDROID_NDK_HOME, for the AAR")
    })?;
    let prebuilt = Path::new(&home).join("toolchains/llvm/prebuilt");
    let host = fs::read_dir(&prebuilt).map_err(Error::file(&prebuilt))?.find_map(Result::ok);
    let host = host.ok_or_else(|| Error::missing(&prebuilt.display().to_string(), "is the NDK complete?"))?;
    Ok(host.path().join("bin"))
}

fn build(places: &Places, ndk: &Path, abi: &Abi, run: Runner<'_>) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--profile", "mobile", "--package", "ringback-bindings", "--target", abi.target]);
    let upper = abi.target.to_uppercase().replace('-', "_");
    let clang = ndk.join(format!("{}{API}-clang", abi.clang));
    build.env(format!("CARGO_TARGET_{upper}_LINKER"), &clang);
    build.env(format!("CC_{}", abi.target), &clang);
    let mut flags = shipped::flags();
    flags.push(format!("-Clink-arg=-Wl,-z,max-page-size={PAGE}"));
    let link = shipped::FOLDED.iter().chain([&shipped::ANDROID_RELOCATIONS]);
    flags.extend(link.map(|flag| format!("-Clink-arg={flag}")));
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join(shipped::SEPARATOR));
    run(build.current_dir(&places.root))?;
    Ok(places.target.join(abi.target).join("mobile/libringback_bindings.so"))
}

/// Makes an AAR of what is in `jni`, the Kotlin library and its rules.
fn assemble(places: &Places, contents: &Path, run: Runner<'_>) -> Result<PathBuf> {
    for library in places::files_below(&contents.join("jni"))? {
        let bytes = fs::read(&library).map_err(Error::file(&library))?;
        if alignment(&bytes).is_none_or(|alignment| alignment < PAGE) {
            let message = "is not aligned to pages of 16 KB: it would not load on newer phones";
            return Err(Error::Broken(format!("{}: {message}", library.display())));
        }
    }
    let write = |name: &str, text: &str| {
        fs::write(contents.join(name), text).map_err(Error::file(&contents.join(name)))
    };
    write(
        "AndroidManifest.xml",
        &format!(
            "<manifest xmlns:android=\"http://schemas.android.com/apk/res/android\" package=\"dev.ringback\">\n    \
             <uses-sdk android:minSdkVersion=\"{API}\" />\n    \
             <uses-permission android:name=\"android.permission.INTERNET\" />\n</manifest>\n"
        ),
    )?;
    write("R.txt", "")?;
    let rules = places.root.join("bindings/kotlin/consumer-rules.pro");
    package::copy(&rules, &contents.join("proguard.txt"))?;
    // The classes alone: Android has libraries of its own for each ABI.
    let classes = package::folder(places).join("build/kotlin/target/classes");
    let mut jar = Command::new("jar");
    jar.arg("--create").arg("--file").arg(contents.join("classes.jar"));
    run(jar.arg("-C").arg(&classes).arg("dev").arg("-C").arg(&classes).arg("META-INF"))?;
    let aar = package::folder(places).join("ringback.aar");
    let mut zip = Command::new("jar");
    zip.args(["--create", "--no-manifest", "--file"]).arg(&aar).arg("-C").arg(contents).arg(".");
    run(&mut zip)?;
    Ok(aar)
}

/// The least alignment of what an ELF file has loaded; `None` when it is no such file.
fn alignment(elf: &[u8]) -> Option<u64> {
    const LOAD: u64 = 1;
    if !elf.starts_with(b"\x7fELF") {
        return None;
    }
    let number = |at: usize, size: usize| {
        let bytes = elf.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |sum, &byte| (sum << 8) | u64::from(byte)))
    };
    let is_64 = elf.get(4) == Some(&2);
    // Where the header says it: offset, size and count of the program headers; then alignment in one of them.
    let (offset, size, count, align) =
        if is_64 { ((32, 8), 54, 56, (48, 8)) } else { ((28, 4), 42, 44, (28, 4)) };
    let first = usize::try_from(number(offset.0, offset.1)?).ok()?;
    let size = usize::try_from(number(size, 2)?).ok()?;
    let count = usize::try_from(number(count, 2)?).ok()?;
    (0..count)
        .map(|index| first.checked_add(index.checked_mul(size)?))
        .filter_map(|header| (number(header?, 4)? == LOAD).then(|| number(header? + align.0, align.1))?)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit file with these program headers: type, alignment.
    fn elf(headers: &[(u32, u64)]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56 * headers.len()];
        bytes[..5].copy_from_slice(b"\x7fELF\x02");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = u8::try_from(headers.len()).expect("few");
        for (index, (kind, alignment)) in headers.iter().enumerate() {
            let at = 64 + 56 * index;
            bytes[at..at + 4].copy_from_slice(&kind.to_le_bytes());
            bytes[at + 48..at + 56].copy_from_slice(&alignment.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_least_aligned_part_that_is_loaded_counts() {
        assert_eq!(alignment(&elf(&[(1, 65536), (1, 16384), (2, 8)])), Some(16384));
        assert_eq!(alignment(&elf(&[(2, 8)])), None);
    }

    #[test]
    fn what_is_no_library_or_is_cut_off_has_no_alignment() {
        assert_eq!(alignment(b"PK"), None);
        assert_eq!(alignment(&elf(&[(1, 16384)])[..80]), None);
    }

    #[test]
    fn a_program_of_this_machine_can_be_read() {
        let own = fs::read(env::current_exe().expect("a path")).expect("readable");
        if cfg!(target_os = "linux") {
            assert!(alignment(&own).is_some_and(|alignment| alignment >= 4096));
        }
    }
}
