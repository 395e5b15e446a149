//! What the vectors of access tokens are made of: keys, members, signatures and encodings.

use super::Recipe;
use super::Recipe::{Claim, ClaimsText, Forged, Header, HeaderText, Signature, Token};
use crate::tokens::public::MAX_LENGTH;
use crate::tokens::tests::{Memory, parts};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::iter;

/// The order n of the group of P-256.
pub(super) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn both(first: &[u8], second: &[u8]) -> Vec<u8> {
    [first, second].concat()
}

pub(super) fn small(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = number;
    bytes
}

/// `of - what`, for numbers of 32 bytes of which the first is not less.
pub(super) fn minus(of: &[u8; 32], what: &[u8]) -> [u8; 32] {
    let (mut difference, mut borrow) = ([0; 32], false);
    for index in (0..32).rev() {
        let (once, below) = of[index].overflowing_sub(what[index]);
        let (twice, further) = once.overflowing_sub(u8::from(borrow));
        (difference[index], borrow) = (twice, below || further);
    }
    difference
}

/// A signature as a sequence of two whole numbers (X.690).
pub(super) fn der(signature: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(31);
        let sign: &[u8] = if bytes[start] < 0x80 { &[] } else { &[0] };
        let bytes = both(sign, &bytes[start..]);
        both(&[0x02, u8::try_from(bytes.len()).unwrap()], &bytes)
    };
    let numbers = [number(&signature[..32]), number(&signature[32..])].concat();
    both(&[0x30, u8::try_from(numbers.len()).unwrap()], &numbers)
}

pub(super) fn pem(spki: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki))
}

/// `text` with these bytes in place of `what`.
pub(super) fn replaced(text: &str, what: &str, bytes: &[u8]) -> Vec<u8> {
    let (before, after) = text.split_once(what).unwrap();
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

/// A token with its parts in another encoding, which is different from theirs.
pub(super) fn coded(token: &str, encode: fn(&[u8]) -> String) -> String {
    let parts: Vec<String> = token.split('.').map(|part| encode(&URL_SAFE_NO_PAD.decode(part).unwrap())).collect();
    let coded = parts.join(".");
    assert_ne!(coded, token);
    coded
}

/// A token whose last character has bits that belong to no byte: decoders that ignore them read the same signature.
pub(super) fn with_spare_bits(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.bytes().last().unwrap();
    let index = ALPHABET.iter().position(|one| *one == last).unwrap();
    assert_eq!(index % 16, 0, "64 bytes end with two bits of a character");
    format!("{}{}", &token[..token.len() - 1], char::from(ALPHABET[index + 1]))
}

/// Members of a JSON object with the texts of their values.
#[derive(Clone)]
struct Members(Vec<(String, String)>);

impl Members {
    fn of(value: &Value) -> Self {
        Self(value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect())
    }

    /// With this member, or without it if `text` is empty.
    fn with(&self, name: &str, text: &str) -> Self {
        let others = self.0.iter().filter(|(one, _)| one != name).cloned();
        Self(others.chain([(name.to_owned(), text.to_owned())]).filter(|(_, text)| !text.is_empty()).collect())
    }

    fn text(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, text)| format!(r#""{name}":{text}"#)).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Builds tokens. It has our key, which the verifier knows, and one that it does not know.
pub(super) struct Builder {
    header: Members,
    claims: Members,
    pub(super) ours: EcdsaKeyPair,
    pub(super) theirs: EcdsaKeyPair,
}

fn pair(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).unwrap()
}

fn input(header: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

impl Builder {
    /// A builder with the key of `memory`, and the members of a token that was signed with it.
    pub(super) fn new(memory: &Memory, token: &str) -> Self {
        let (header, claims) = parts(token);
        let stored: Value = serde_json::from_str(memory.private.text.borrow().as_deref().unwrap()).unwrap();
        let ours = STANDARD.decode(stored["keys"][0]["private_key"].as_str().unwrap()).unwrap();
        let theirs = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let (ours, theirs) = (pair(&ours), pair(theirs.as_ref()));
        Self { header: Members::of(&header), claims: Members::of(&claims), ours, theirs }
    }

    fn sign(&self, pair: &EcdsaKeyPair, header: &[u8], claims: &[u8], change: fn(&[u8]) -> Vec<u8>) -> String {
        let input = input(header, claims);
        let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(change(signature.as_ref())))
    }

    fn ours(&self, header: &[u8], claims: &[u8]) -> String {
        self.sign(&self.ours, header, claims, <[u8]>::to_vec)
    }

    /// A token that the other key has signed, with these members of the header.
    pub(super) fn theirs(&self, members: &[(&str, &str)]) -> String {
        let header = members.iter().fold(self.header.clone(), |header, (name, text)| header.with(name, text));
        self.sign(&self.theirs, header.text().as_bytes(), self.claims.text().as_bytes(), <[u8]>::to_vec)
    }

    pub(super) fn unsigned(&self, algorithm: &str) -> String {
        format!("{}.", input(self.header.with("alg", algorithm).text().as_bytes(), self.claims.text().as_bytes()))
    }

    pub(super) fn hs256(&self, secret: &[u8]) -> String {
        let header = self.header.with("alg", r#""HS256""#).text();
        let input = input(header.as_bytes(), self.claims.text().as_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    pub(super) fn point(&self) -> Vec<u8> {
        self.ours.public_key().as_ref().to_vec()
    }

    /// Our public key as SubjectPublicKeyInfo (RFC 5480).
    pub(super) fn spki(&self) -> Vec<u8> {
        const HEAD: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        both(&HEAD, &self.point())
    }

    pub(super) fn jwk(&self, pair: &EcdsaKeyPair) -> String {
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256" }).to_string()
    }

    /// A token under our key id with a text after it.
    pub(super) fn under_our_id_and(&self, text: &str) -> String {
        let (_, ours) = self.header.0.iter().find(|(name, _)| name == "kid").unwrap();
        let kid = format!("{}{text}\"", ours.strip_suffix('"').unwrap());
        self.ours(self.header.with("kid", &kid).text().as_bytes(), self.claims.text().as_bytes())
    }

    /// A token in the other alphabet, without padding. One that has none of the characters in which the two differ is the same in both.
    pub(super) fn in_base64(&self) -> String {
        let token = || self.ours(self.header.text().as_bytes(), self.claims.text().as_bytes());
        let differing = iter::repeat_with(token).find(|token| token.contains(['-', '_'])).unwrap();
        coded(&differing, |part| STANDARD_NO_PAD.encode(part))
    }

    /// Tokens of growing length, with a member that nobody knows.
    fn growing(&self) -> impl Iterator<Item = String> {
        (MAX_LENGTH / 2..).map(move |filler| {
            let claims = self.claims.with("filler", &json!("x".repeat(filler)).to_string());
            self.ours(self.header.text().as_bytes(), claims.text().as_bytes())
        })
    }

    pub(super) fn longest(&self) -> String {
        self.growing().find(|token| token.len() == MAX_LENGTH).unwrap()
    }

    pub(super) fn too_long(&self) -> String {
        self.growing().find(|token| token.len() > MAX_LENGTH).unwrap()
    }

    pub(super) fn token(&self, recipe: &Recipe) -> String {
        let (header, claims) = (self.header.text(), self.claims.text());
        match recipe {
            Header(name, text) => self.ours(self.header.with(name, text).text().as_bytes(), claims.as_bytes()),
            Claim(name, text) => self.ours(header.as_bytes(), self.claims.with(name, text).text().as_bytes()),
            HeaderText(change) => self.ours(&change(&header), claims.as_bytes()),
            ClaimsText(change) => self.ours(header.as_bytes(), &change(&claims)),
            Signature(change) => self.sign(&self.ours, header.as_bytes(), claims.as_bytes(), *change),
            Token(change) => change(&self.ours(header.as_bytes(), claims.as_bytes())),
            Forged(make) => make(self),
        }
    }
}
