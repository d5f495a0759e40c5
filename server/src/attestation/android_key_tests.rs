//! Chains of real devices, and what is wrong with them when one thing is changed.

use super::super::judge::pem_roots;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const STRONGBOX: &str = include_str!("android_vectors/strongbox.pem");
const TEE: &str = include_str!("android_vectors/tee.pem");
const FACTORY: &str = include_str!("android_vectors/factory.pem");
const UNLOCKED: &str = include_str!("android_vectors/unlocked.pem");
const SOFTWARE_ONLY: &str = include_str!("android_vectors/software.pem");

/// The certificate that Google signs its apps with, and the one of its store.
const OF_GOOGLE: &str = "EDk47kU35Z6O55L2VFBPuDRvxrNG0LvEQV/DOfz8jsE=";
const OF_THE_STORE: &str = "8P1sW0EPJcslw7UzRsiXL64w+O50Ed+RBICtay1g24M=";
const COLLECTOR: &str = "com.google.wireless.android.security.attestationverifier.collector";

struct Vector {
    pem: &'static str,
    package: &'static str,
    certificate: &'static str,
    at: &'static str,
    challenge: &'static str,
}

/// The sound ones.
fn vectors() -> [Vector; 3] {
    let of_google = |pem, at, challenge| Vector {
        pem,
        package: "com.google.android.attestation",
        certificate: OF_GOOGLE,
        at,
        challenge,
    };
    [
        of_google(STRONGBOX, "2025-09-27T00:00:00Z", "N2NjYWMxZWEtNDg0NS00ODJlLTg1OGQtZjZmYTlhYThjMjk1"),
        of_google(TEE, "2026-02-25T00:00:00Z", "NjQxN2Y5MmMtZGFlZi00Y2MxLTg4MjgtNWJiMzkzMzhmZmQ1"),
        Vector {
            package: "com.android.vending",
            certificate: OF_THE_STORE,
            ..of_google(FACTORY, "2026-11-27T00:00:00Z", "Pq/k1d0AkN5aQrQytCSBr1zimWNlayWExZpJLeFtAMk=")
        },
    ]
}

struct Case {
    chain: Vec<Vec<u8>>,
    public_key: Vec<u8>,
    apps: Apps,
    roots: Vec<CertificateDer<'static>>,
    revoked: StatusList,
    is_known: bool,
    now: Timestamp,
}

impl Case {
    fn new(pem: &str, package: &str, certificate: &str, at: &str) -> Self {
        let chain: Vec<_> = pem_roots(pem).unwrap().iter().map(|der| der.to_vec()).collect();
        let leaf = parsed(&chain[0]).unwrap();
        let public_key = leaf.public_key().subject_public_key.data.to_vec();
        let apps = Apps {
            packages: vec!["com.example.other".to_owned(), package.to_owned()],
            certificates: vec![vec![0; 32], STANDARD.decode(certificate).unwrap()],
        };
        Self {
            public_key,
            apps,
            roots: pem_roots(GOOGLE_ROOTS).unwrap(),
            revoked: StatusList::default(),
            is_known: false,
            now: at.parse().unwrap(),
            chain,
        }
    }

    fn verify(&self) -> Result<Vec<u8>, Fault> {
        let expected = Expected {
            public_key: &self.public_key,
            apps: &self.apps,
            roots: &self.roots,
            revoked: &self.revoked,
            is_known: self.is_known,
        };
        verify(&self.chain, &expected, self.now)
    }
}

impl Vector {
    fn case(&self) -> Case {
        Case::new(self.pem, self.package, self.certificate, self.at)
    }

    /// What comes of it when this is changed.
    fn but(&self, change: impl FnOnce(&mut Case)) -> Result<Vec<u8>, Fault> {
        let mut case = self.case();
        change(&mut case);
        case.verify()
    }
}

fn listed(serial: &str) -> StatusList {
    let json = format!(r#"{{ "entries": {{ "{serial}": {{ "status": "REVOKED" }} }} }}"#);
    StatusList::read(json.as_bytes()).unwrap()
}

#[test]
fn real_devices_are_believed() {
    assert_eq!(pem_roots(GOOGLE_ROOTS).unwrap().len(), 2, "both of Google's");
    for vector in vectors() {
        assert_eq!(vector.but(|_| ()), Ok(STANDARD.decode(vector.challenge).unwrap()), "{}", vector.at);
    }
}

#[test]
fn whatever_does_not_fit_is_named() {
    for vector in vectors() {
        let other = Case::new(UNLOCKED, COLLECTOR, OF_GOOGLE, "2026-11-27T00:00:00Z");
        assert_eq!(vector.but(|case| case.public_key[40] ^= 1), Err(Fault::Key));
        assert_eq!(vector.but(|case| case.public_key.clone_from(&other.public_key)), Err(Fault::Key));
        assert_eq!(vector.but(|case| drop(case.apps.packages.pop())), Err(Fault::App));
        assert_eq!(vector.but(|case| drop(case.apps.certificates.pop())), Err(Fault::App));
        assert_eq!(vector.but(|case| case.roots.clear()), Err(Fault::Untrusted));
        let software = pem_roots(SOFTWARE_ONLY).unwrap().pop().unwrap();
        assert_eq!(vector.but(|case| case.roots = vec![software]), Err(Fault::Untrusted));
        assert_eq!(vector.but(|case| drop(case.chain.remove(1))), Err(Fault::Untrusted));
        assert_eq!(vector.but(|case| drop(case.chain.remove(0))), Err(Fault::NotAttested));
        assert_eq!(vector.but(|case| case.chain.insert(1, other.chain[0].clone())), Err(Fault::Lengthened));
        assert_eq!(vector.but(|case| case.chain.insert(0, other.chain[0].clone())), Err(Fault::Lengthened));
        assert_eq!(vector.but(|case| case.chain.clear()), Err(Fault::Malformed));
        assert_eq!(vector.but(|case| case.chain[0].push(0)), Err(Fault::Malformed));
        assert_eq!(vector.but(|case| case.chain[1].truncate(100)), Err(Fault::Malformed));
        let many = |case: &mut Case| case.chain.extend(vec![other.chain[1].clone(); CHAIN_MAX]);
        assert_eq!(vector.but(many), Err(Fault::Malformed));
        let large = |case: &mut Case| case.chain[1].resize(CERTIFICATE_MAX_BYTES + 1, 0);
        assert_eq!(vector.but(large), Err(Fault::Malformed));
    }
}

#[test]
fn an_unsound_device_is_named() {
    let unlocked = Case::new(UNLOCKED, COLLECTOR, OF_GOOGLE, "2026-11-27T00:00:00Z");
    assert_eq!(unlocked.verify(), Err(Fault::Boot));

    let mut software = Case::new(SOFTWARE_ONLY, COLLECTOR, OF_GOOGLE, "2025-11-27T00:00:00Z");
    assert_eq!(software.verify(), Err(Fault::Untrusted));
    // Even where somebody trusts the root of software.
    software.roots = vec![CertificateDer::from(software.chain.last().unwrap().clone())];
    assert_eq!(software.verify(), Err(Fault::Software));
}

#[test]
fn certificates_count_for_their_time() {
    let [strongbox, tee, factory] = vectors();
    let at = |moment: &str| moment.parse::<Timestamp>().unwrap();
    for (vector, after, before) in [
        (&strongbox, "2025-10-04T00:00:00Z", "2025-09-24T00:00:00Z"),
        (&tee, "2026-03-09T00:00:00Z", "2026-02-21T00:00:00Z"),
    ] {
        assert_eq!(vector.but(|case| case.now = at(after)), Err(Fault::Outdated));
        assert_eq!(vector.but(|case| case.now = at(before)), Err(Fault::Outdated));
        let known = |moment: &str| {
            vector.but(|case| {
                case.now = at(moment);
                case.is_known = true;
            })
        };
        // The key that was taken in its time is the same key a year later.
        assert!(known(after).is_ok());
        assert!(known("2027-11-27T00:00:00Z").is_ok());
        assert_eq!(known(before), Err(Fault::Outdated));
        // A certificate that looks like a factory's does not make the chain one.
        let posing = factory.case().chain[2].clone();
        let posed = vector.but(|case| {
            case.now = at(after);
            case.chain.push(posing.clone());
        });
        assert_eq!(posed, Err(Fault::Outdated));
    }
    assert!(factory.but(|case| case.now = at("2031-01-01T00:00:00Z")).is_ok());
    assert_eq!(factory.but(|case| case.now = at("2016-05-01T00:00:00Z")), Err(Fault::Outdated));
    assert_eq!(factory.but(|case| case.now = at("1960-01-01T00:00:00Z")), Err(Fault::Outdated));
}

#[test]
fn what_is_revoked_counts_no_more() {
    let [strongbox, ..] = vectors();
    for serial in ["65d2949536924da695f5ae1eb290cd4d", "388266760658996860d", "0388266760658996860D"] {
        assert_eq!(strongbox.but(|case| case.revoked = listed(serial)), Err(Fault::Revoked), "{serial}");
        let known = strongbox.but(|case| {
            case.revoked = listed(serial);
            case.is_known = true;
        });
        assert_eq!(known, Err(Fault::Revoked), "{serial}");
    }
    assert!(strongbox.but(|case| case.revoked = listed("388266760658996860")).is_ok());
}

/// The description of the first vector, with one thing changed.
fn described(change: impl FnOnce(&mut KeyDescription<'_>, &mut Apps)) -> Result<(), Fault> {
    let case = vectors()[0].case();
    let leaf = parsed(&case.chain[0]).unwrap();
    let mut description = KeyDescription::of(&leaf).unwrap().unwrap();
    let mut apps = case.apps.clone();
    change(&mut description, &mut apps);
    says_what_it_should(&description, &apps)
}

#[test]
fn every_word_of_the_description_counts() {
    assert_eq!(described(|_, _| ()), Ok(()));
    assert_eq!(described(|said, _| said.attested_by = SOFTWARE), Err(Fault::Software));
    assert_eq!(described(|said, _| said.kept_by = SOFTWARE), Err(Fault::Software));
    for origin in [None, Some(1), Some(2), Some(3), Some(4)] {
        assert_eq!(described(|said, _| said.hardware.origin = origin), Err(Fault::Origin));
    }
    let in_software = described(|said, _| said.software.origin = said.hardware.origin.take());
    assert_eq!(in_software, Err(Fault::Origin), "who says it counts");
    for purposes in [None, Some(vec![]), Some(vec![3]), Some(vec![0, 1, 7])] {
        assert_eq!(described(|said, _| said.hardware.purposes = purposes), Err(Fault::Purpose));
    }
    let boots = [(false, 0), (true, 1), (true, 2), (true, 3), (false, 2)];
    for (is_locked, state) in boots {
        let boot = RootOfTrust { is_locked, state };
        assert_eq!(described(|said, _| said.hardware.root_of_trust = Some(boot)), Err(Fault::Boot));
    }
    let in_software = described(|said, _| said.software.root_of_trust = said.hardware.root_of_trust.take());
    assert_eq!(in_software, Err(Fault::Boot), "who says it counts");
    assert_eq!(described(|said, _| said.software.application = None), Err(Fault::App));
    let unsigned = |said: &mut KeyDescription<'_>, _: &mut Apps| {
        said.software.application.as_mut().unwrap().certificates.clear();
    };
    assert_eq!(described(unsigned), Err(Fault::App));
    assert_eq!(described(|_, apps| apps.certificates.clear()), Err(Fault::App));
}

#[test]
fn every_fault_has_a_word_of_its_own() {
    let faults = [
        Fault::Malformed,
        Fault::NotAttested,
        Fault::Lengthened,
        Fault::Untrusted,
        Fault::Outdated,
        Fault::Revoked,
        Fault::Challenge,
        Fault::Key,
        Fault::Origin,
        Fault::Purpose,
        Fault::Software,
        Fault::Boot,
        Fault::App,
    ];
    let words: std::collections::BTreeSet<_> = faults.map(Fault::word).into_iter().collect();
    assert_eq!(words.len(), faults.len());
}

/// The value of the extension in the leaf of this chain.
fn extension(pem: &str) -> Vec<u8> {
    let leaf = pem_roots(pem).unwrap().remove(0);
    let leaf = parsed(&leaf).unwrap();
    let found = leaf.extensions().iter().find(|one| one.oid.to_id_string() == "1.3.6.1.4.1.11129.2.1.17");
    found.unwrap().value.to_vec()
}

#[test]
fn a_device_may_write_true_in_its_own_way() {
    let mut value = extension(TEE);
    // BOOLEAN true and ENUMERATED 0, as they stand in the root of trust.
    let at = value.windows(6).position(|six| six == [1, 1, 0xff, 10, 1, 0]).unwrap();
    for (written, locked) in [(0xff, true), (1, true), (0, false)] {
        value[at + 2] = written;
        let description = KeyDescription::read(&value).unwrap();
        assert_eq!(description.hardware.root_of_trust, Some(RootOfTrust { is_locked: locked, state: 0 }));
    }
}

#[test]
fn what_is_cut_off_is_no_description() {
    for pem in [STRONGBOX, TEE, FACTORY, UNLOCKED, SOFTWARE_ONLY] {
        let value = extension(pem);
        assert!(KeyDescription::read(&value).is_ok());
        for length in 0..value.len() {
            assert!(KeyDescription::read(&value[..length]).is_err(), "{length}");
        }
        assert!(KeyDescription::read(&[&value[..], &[0]].concat()).is_err());
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_is_noticed(vector in 0_usize..3, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let outcome = vectors()[vector].but(|case| {
            // The last one is a root that nobody looks at.
            let lengths: Vec<_> = case.chain.iter().map(Vec::len).collect();
            let mut at = at.index(lengths[..lengths.len() - 1].iter().sum());
            let mut one = 0;
            while at >= case.chain[one].len() {
                at -= case.chain[one].len();
                one += 1;
            }
            case.chain[one][at] ^= 1 << bit;
        });
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn cut_and_mixed_chains_are_taken_apart(
        vector in 0_usize..3,
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..1500), 0..10),
    ) {
        let outcome = vectors()[vector].but(|case| {
            let whole = case.chain.clone();
            case.chain = picks
                .iter()
                .map(|(pick, length)| whole[pick.index(whole.len())].iter().copied().take(*length).collect())
                .collect();
        });
        // The whole chain may be among them.
        prop_assert!(outcome.is_err() || picks.len() >= 3);
    }

    #[test]
    fn any_bytes_are_taken_apart(chain in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5)) {
        let outcome = vectors()[0].but(|case| case.chain.clone_from(&chain));
        prop_assert_eq!(outcome, Err(Fault::Malformed));
        for bytes in &chain {
            prop_assert!(KeyDescription::read(bytes).is_err());
        }
    }

    #[test]
    fn changed_descriptions_are_taken_apart(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut value = extension(STRONGBOX);
        for (at, byte) in changes {
            let at = at.index(value.len());
            value[at] = byte;
        }
        if let Ok(description) = KeyDescription::read(&value) {
            let apps = vectors()[0].case().apps;
            let _ = says_what_it_should(&description, &apps);
        }
    }
}
