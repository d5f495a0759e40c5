//! What a key of Android's Keystore says of itself: the extension `KeyDescription`, as far as it is judged. Everything in it that is
//! read must be as the schema has it; what later versions add is let pass.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};
use x509_parser::prelude::X509Certificate;

/// The object identifier of the extension.
pub(super) const EXTENSION: &str = "1.3.6.1.4.1.11129.2.1.17";

/// Who stands for a key: software.
pub(super) const SOFTWARE: u32 = 0;
/// Where a key comes from: it was made where it is kept.
pub(super) const GENERATED: u32 = 0;
/// What a key may do: sign.
pub(super) const SIGN: u32 = 2;
/// What the device has booted: what its maker, or who the maker trusts, has signed.
pub(super) const VERIFIED: u32 = 0;

/// The extension is not what the schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotADescription;

/// The extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyDescription<'a> {
    /// Who says all this.
    pub(super) attested_by: u32,
    /// Who keeps the key.
    pub(super) kept_by: u32,
    /// For what challenge the key was made.
    pub(super) challenge: &'a [u8],
    /// What the system vouches for.
    pub(super) software: Authorizations<'a>,
    /// What the hardware vouches for.
    pub(super) hardware: Authorizations<'a>,
}

/// An `AuthorizationList`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Authorizations<'a> {
    /// What the key may do.
    pub(super) purposes: Option<Vec<u32>>,
    /// Where the key comes from.
    pub(super) origin: Option<u32>,
    /// What the device has booted.
    pub(super) root_of_trust: Option<RootOfTrust>,
    /// Whose key it is.
    pub(super) application: Option<Application<'a>>,
}

/// What the device has booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RootOfTrust {
    /// Nothing else can be put on it.
    pub(super) is_locked: bool,
    /// How it stands with what is on it.
    pub(super) state: u32,
}

/// An `AttestationApplicationId`: the app, or the apps that share its user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Application<'a> {
    /// Their names.
    pub(super) packages: Vec<&'a [u8]>,
    /// SHA-256 of the certificates they are signed with.
    pub(super) certificates: Vec<&'a [u8]>,
}

impl<'a> KeyDescription<'a> {
    /// The description in a certificate; nothing where it has none.
    pub(super) fn of(certificate: &X509Certificate<'a>) -> Result<Option<Self>, NotADescription> {
        let mut found = certificate.extensions().iter().filter(|one| one.oid.to_id_string() == EXTENSION);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(extension), None) => Self::read(extension.value).map(Some),
            (Some(_), Some(_)) => Err(NotADescription),
        }
    }

    /// Reads the extension's value.
    pub(super) fn read(value: &'a [u8]) -> Result<Self, NotADescription> {
        let mut outside = Elements(value);
        let mut fields = outside.inside(Tag::Sequence)?;
        outside.end()?;
        fields.number(Tag::Integer)?;
        let attested_by = fields.number(Tag::Enumerated)?;
        fields.number(Tag::Integer)?;
        let kept_by = fields.number(Tag::Enumerated)?;
        let challenge = fields.bytes()?;
        fields.bytes()?;
        let software = Authorizations::read(fields.inside(Tag::Sequence)?)?;
        let hardware = Authorizations::read(fields.inside(Tag::Sequence)?)?;
        fields.end()?;
        Ok(Self { attested_by, kept_by, challenge, software, hardware })
    }
}

impl<'a> Authorizations<'a> {
    fn read(mut fields: Elements<'a>) -> Result<Self, NotADescription> {
        let mut read = Self::default();
        while !fields.0.is_empty() {
            let field = fields.any()?;
            if field.class() != Class::ContextSpecific {
                return Err(NotADescription);
            }
            let mut inside = Elements(field.data);
            match field.tag().0 {
                1 => {
                    let mut listed = inside.inside(Tag::Set)?;
                    let mut purposes = Vec::new();
                    while !listed.0.is_empty() {
                        purposes.push(listed.number(Tag::Integer)?);
                    }
                    once(&mut read.purposes, purposes)?;
                }
                702 => once(&mut read.origin, inside.number(Tag::Integer)?)?,
                704 => once(&mut read.root_of_trust, RootOfTrust::read(inside.inside(Tag::Sequence)?)?)?,
                709 => once(&mut read.application, Application::read(inside.bytes()?)?)?,
                _ => continue,
            }
            inside.end()?;
        }
        Ok(read)
    }
}

impl RootOfTrust {
    fn read(mut fields: Elements<'_>) -> Result<Self, NotADescription> {
        fields.bytes()?;
        let is_locked = fields.boolean()?;
        let state = fields.number(Tag::Enumerated)?;
        // The hash of what is booted came with version 3.
        if !fields.0.is_empty() {
            fields.bytes()?;
        }
        fields.end()?;
        Ok(Self { is_locked, state })
    }
}

impl<'a> Application<'a> {
    fn read(value: &'a [u8]) -> Result<Self, NotADescription> {
        let mut outside = Elements(value);
        let mut fields = outside.inside(Tag::Sequence)?;
        outside.end()?;
        let (mut packages, mut certificates) = (Vec::new(), Vec::new());
        let mut listed = fields.inside(Tag::Set)?;
        while !listed.0.is_empty() {
            let mut package = listed.inside(Tag::Sequence)?;
            packages.push(package.bytes()?);
            package.element(Tag::Integer)?;
            package.end()?;
        }
        let mut listed = fields.inside(Tag::Set)?;
        while !listed.0.is_empty() {
            certificates.push(listed.bytes()?);
        }
        fields.end()?;
        Ok(Self { packages, certificates })
    }
}

/// A field that comes twice would be read differently by different readers.
fn once<T>(field: &mut Option<T>, value: T) -> Result<(), NotADescription> {
    if field.replace(value).is_none() { Ok(()) } else { Err(NotADescription) }
}

/// Elements of DER, one after another.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn any(&mut self) -> Result<Any<'a>, NotADescription> {
        let (rest, element) = Any::from_der(self.0).map_err(|_| NotADescription)?;
        self.0 = rest;
        Ok(element)
    }

    fn element(&mut self, tag: Tag) -> Result<Any<'a>, NotADescription> {
        let element = self.any()?;
        let is_it = element.class() == Class::Universal && element.tag() == tag;
        if is_it { Ok(element) } else { Err(NotADescription) }
    }

    fn inside(&mut self, tag: Tag) -> Result<Self, NotADescription> {
        Ok(Self(self.element(tag)?.data))
    }

    fn bytes(&mut self) -> Result<&'a [u8], NotADescription> {
        Ok(self.element(Tag::OctetString)?.data)
    }

    fn number(&mut self, tag: Tag) -> Result<u32, NotADescription> {
        // What fits into four bytes, the first of which may be there for the sign.
        match self.element(tag)?.data {
            [] => Err(NotADescription),
            [first, ..] if *first >= 0x80 => Err(NotADescription),
            digits => digits.iter().try_fold(0_u32, |number, digit| {
                Ok(number.checked_mul(256).ok_or(NotADescription)? | u32::from(*digit))
            }),
        }
    }

    fn boolean(&mut self) -> Result<bool, NotADescription> {
        // DER has 0xff for true; there are devices that write 0x01.
        match self.element(Tag::Boolean)?.data {
            [value] => Ok(*value != 0),
            _ => Err(NotADescription),
        }
    }

    fn end(&self) -> Result<(), NotADescription> {
        if self.0.is_empty() { Ok(()) } else { Err(NotADescription) }
    }
}
