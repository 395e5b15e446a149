//! Vectors of access tokens: forged, malformed and borderline ones, each with whether it is valid. All but those of `KEYS` and `ALGORITHMS` that say
//! otherwise are signed with the right key, so that nothing else than what their name says is wrong.

mod builder;

use super::tests::{Memory, at, claims, rotated};
use Recipe::{Claim, ClaimsText, Forged, Header, HeaderText, Signature, Token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use builder::{Builder, ORDER, both, coded, der, minus, pem, replaced, small, with_spare_bits};
use serde_json::json;

/// When the tokens are verified. They were issued at 1000 and expire at 4600, unless a vector says otherwise.
const NOW: i64 = 2_000;

const VALID: bool = true;
const INVALID: bool = false;

/// How a token differs from the one that the signer makes.
enum Recipe {
    /// This member of the header has this JSON text; empty for a missing one.
    Header(&'static str, &'static str),
    /// The same of the claims.
    Claim(&'static str, &'static str),
    /// The header has this text.
    HeaderText(fn(&str) -> Vec<u8>),
    ClaimsText(fn(&str) -> Vec<u8>),
    /// The signature has these bytes.
    Signature(fn(&[u8]) -> Vec<u8>),
    /// The token has this text.
    Token(fn(&str) -> String),
    Forged(fn(&Builder) -> String),
}

type Vectors = &'static [(&'static str, Recipe, bool)];

const SIGNATURES: Vectors = &[
    ("as it is issued", Signature(<[u8]>::to_vec), VALID),
    ("the other one of the two values of s", Signature(|one| both(&one[..32], &minus(&ORDER, &one[32..]))), VALID),
    ("none", Signature(|_| vec![]), INVALID),
    ("r = 0", Signature(|one| both(&[0; 32], &one[32..])), INVALID),
    ("s = 0", Signature(|one| both(&one[..32], &[0; 32])), INVALID),
    ("r = s = 0", Signature(|_| vec![0; 64]), INVALID),
    ("r = s = 1", Signature(|_| both(&small(1), &small(1))), INVALID),
    ("r = n", Signature(|one| both(&ORDER, &one[32..])), INVALID),
    ("s = n", Signature(|one| both(&one[..32], &ORDER)), INVALID),
    ("r = s = n", Signature(|_| both(&ORDER, &ORDER)), INVALID),
    ("r = n - 1", Signature(|one| both(&minus(&ORDER, &small(1)), &one[32..])), INVALID),
    ("s = n - 1", Signature(|one| both(&one[..32], &minus(&ORDER, &small(1)))), INVALID),
    ("r beyond n", Signature(|one| both(&[0xff; 32], &one[32..])), INVALID),
    ("s beyond n", Signature(|one| both(&one[..32], &[0xff; 32])), INVALID),
    ("r and s exchanged", Signature(|one| both(&one[32..], &one[..32])), INVALID),
    ("in DER", Signature(der), INVALID),
    ("without its last byte", Signature(|one| one[..63].to_vec()), INVALID),
    ("without its first byte", Signature(|one| one[1..].to_vec()), INVALID),
    ("r alone", Signature(|one| one[..32].to_vec()), INVALID),
    ("with a zero after it", Signature(|one| both(one, &[0])), INVALID),
    ("with a zero before it", Signature(|one| both(&[0], one)), INVALID),
    (
        "with a zero before r and before s",
        Signature(|one| both(&both(&[0], &one[..32]), &both(&[0], &one[32..]))),
        INVALID,
    ),
    (
        "as long as one of ES384",
        Signature(|one| both(&both(&[0; 16], &one[..32]), &both(&[0; 16], &one[32..]))),
        INVALID,
    ),
    ("twice", Signature(|one| one.repeat(2)), INVALID),
];

const ALGORITHMS: Vectors = &[
    ("none", Header("alg", r#""none""#), INVALID),
    ("None", Header("alg", r#""None""#), INVALID),
    ("NONE", Header("alg", r#""NONE""#), INVALID),
    ("none, unsigned", Forged(|builder| builder.unsigned(r#""none""#)), INVALID),
    ("None, unsigned", Forged(|builder| builder.unsigned(r#""None""#)), INVALID),
    ("NONE, unsigned", Forged(|builder| builder.unsigned(r#""NONE""#)), INVALID),
    ("ES256, unsigned", Forged(|builder| builder.unsigned(r#""ES256""#)), INVALID),
    ("empty", Header("alg", r#""""#), INVALID),
    ("missing", Header("alg", ""), INVALID),
    ("null", Header("alg", "null"), INVALID),
    ("a list", Header("alg", r#"["ES256"]"#), INVALID),
    ("es256 in lower case", Header("alg", r#""es256""#), INVALID),
    ("ES384", Header("alg", r#""ES384""#), INVALID),
    ("ES512", Header("alg", r#""ES512""#), INVALID),
    ("ES256K", Header("alg", r#""ES256K""#), INVALID),
    ("RS256", Header("alg", r#""RS256""#), INVALID),
    ("PS256", Header("alg", r#""PS256""#), INVALID),
    ("EdDSA", Header("alg", r#""EdDSA""#), INVALID),
    ("HS256", Header("alg", r#""HS256""#), INVALID),
    ("HS256 with the public point", Forged(|builder| builder.hs256(&builder.point())), INVALID),
    ("HS256 with the public coordinates", Forged(|builder| builder.hs256(&builder.point()[1..])), INVALID),
    (
        "HS256 with the public key as JWK",
        Forged(|builder| builder.hs256(builder.jwk(&builder.ours).as_bytes())),
        INVALID,
    ),
    ("HS256 with the public key in DER", Forged(|builder| builder.hs256(&builder.spki())), INVALID),
    ("HS256 with the public key in PEM", Forged(|builder| builder.hs256(pem(&builder.spki()).as_bytes())), INVALID),
    ("HS256 with an empty secret", Forged(|builder| builder.hs256(b"")), INVALID),
    ("type JWT", Header("typ", r#""JWT""#), INVALID),
    ("type in upper case", Header("typ", r#""AT+JWT""#), INVALID),
    ("no type", Header("typ", ""), INVALID),
];

const KEYS: Vectors = &[
    ("another key under our id", Forged(|builder| builder.theirs(&[])), INVALID),
    (
        "embedded key, under our id",
        Forged(|builder| builder.theirs(&[("jwk", builder.jwk(&builder.theirs).as_str())])),
        INVALID,
    ),
    (
        "embedded key, under its own id",
        Forged(|builder| builder.theirs(&[("jwk", builder.jwk(&builder.theirs).as_str()), ("kid", r#""theirs""#)])),
        INVALID,
    ),
    ("address of keys", Forged(|builder| builder.theirs(&[("jku", r#""https://evil.example/jwks.json""#)])), INVALID),
    (
        "address of a certificate",
        Forged(|builder| builder.theirs(&[("x5u", r#""https://evil.example/a.pem""#)])),
        INVALID,
    ),
    ("certificate", Forged(|builder| builder.theirs(&[("x5c", r#"["MIIB"]"#)])), INVALID),
    ("fingerprint", Forged(|builder| builder.theirs(&[("x5t#S256", r#""AAAA""#)])), INVALID),
    ("embedded key beside the right signature", Header("jwk", r#"{"kty":"oct","k":"AAAA"}"#), INVALID),
    ("address of keys beside the right signature", Header("jku", r#""https://evil.example/jwks.json""#), INVALID),
    ("critical member", Header("crit", r#"["exp"]"#), INVALID),
    ("critical member that is none", Header("crit", "[]"), INVALID),
    ("unencoded claims (RFC 7797)", Header("b64", "false"), INVALID),
    ("compressed claims", Header("zip", r#""DEF""#), INVALID),
    ("nested token", Header("cty", r#""JWT""#), INVALID),
    ("id with a path", Header("kid", r#""../../../../dev/null""#), INVALID),
    ("id with SQL", Header("kid", r#""' UNION SELECT 'key' --""#), INVALID),
    ("id with a command", Header("kid", r#""key|id""#), INVALID),
    ("id that is NUL", Header("kid", r#""\u0000""#), INVALID),
    ("our id with NUL after it", Forged(|builder| builder.under_our_id_and(r"\u0000")), INVALID),
    ("our id with a space after it", Forged(|builder| builder.under_our_id_and(" ")), INVALID),
    ("empty id", Header("kid", r#""""#), INVALID),
    ("no id", Header("kid", ""), INVALID),
    ("id null", Header("kid", "null"), INVALID),
    ("id as a number", Header("kid", "0"), INVALID),
    ("id as a list", Header("kid", "[]"), INVALID),
    ("id as an object", Header("kid", "{}"), INVALID),
    (
        "our id with a thousand characters after it",
        Forged(|builder| builder.under_our_id_and(&"k".repeat(1_000))),
        INVALID,
    ),
];

const CLAIMS: Vectors = &[
    ("exp in the next second", Claim("exp", "2001"), VALID),
    ("exp now", Claim("exp", "2000"), INVALID),
    ("exp at the last time there is", Claim("exp", "253402207200"), VALID),
    ("exp after the last time there is", Claim("exp", "253402207201"), INVALID),
    ("exp as text", Claim("exp", r#""4600""#), INVALID),
    ("exp with a fraction", Claim("exp", "4600.5"), INVALID),
    ("exp with an exponent", Claim("exp", "46e2"), INVALID),
    ("exp negative", Claim("exp", "-4600"), INVALID),
    ("exp beyond 64 bits, signed", Claim("exp", "9223372036854775808"), INVALID),
    ("exp beyond 64 bits", Claim("exp", "18446744073709551616"), INVALID),
    ("exp beyond a float", Claim("exp", "1e400"), INVALID),
    ("exp that is no number", Claim("exp", "NaN"), INVALID),
    ("exp null", Claim("exp", "null"), INVALID),
    ("exp true", Claim("exp", "true"), INVALID),
    ("exp missing", Claim("exp", ""), INVALID),
    ("nbf now", Claim("nbf", "2000"), VALID),
    ("nbf in the next second", Claim("nbf", "2001"), INVALID),
    ("nbf as text", Claim("nbf", r#""1000""#), INVALID),
    ("nbf null", Claim("nbf", "null"), INVALID),
    ("iat a minute ahead", Claim("iat", "2060"), VALID),
    ("iat more than a minute ahead", Claim("iat", "2061"), INVALID),
    ("iat as text", Claim("iat", r#""1000""#), INVALID),
    ("iat missing", Claim("iat", ""), INVALID),
    ("sub missing", Claim("sub", ""), INVALID),
    ("sub empty", Claim("sub", r#""""#), INVALID),
    ("sub that is no UUID", Claim("sub", r#""admin""#), INVALID),
    ("sub as a number", Claim("sub", "7"), INVALID),
    ("sub null", Claim("sub", "null"), INVALID),
    ("sid missing", Claim("sid", ""), INVALID),
    ("sid that is no UUID", Claim("sid", r#""../8""#), INVALID),
    ("sid as a number", Claim("sid", "8"), INVALID),
    ("role missing", Claim("role", ""), INVALID),
    ("role that is none", Claim("role", r#""root""#), INVALID),
    ("role in upper case", Claim("role", r#""CUSTOMER""#), INVALID),
    ("role as a list", Claim("role", r#"["customer"]"#), INVALID),
    ("role null", Claim("role", "null"), INVALID),
    ("iss missing", Claim("iss", ""), INVALID),
    ("iss of another stage", Claim("iss", r#""quayside-prod""#), INVALID),
    ("iss with a space", Claim("iss", r#""quayside-test ""#), INVALID),
    ("iss as a list", Claim("iss", r#"["quayside-test"]"#), INVALID),
    ("aud missing", Claim("aud", ""), INVALID),
    ("aud of another stage", Claim("aud", r#""quayside-prod""#), INVALID),
    ("aud as a list", Claim("aud", r#"["quayside-test"]"#), INVALID),
    ("aud as a number", Claim("aud", "1"), INVALID),
    ("jti missing", Claim("jti", ""), INVALID),
    ("a member that nobody knows", Claim("scope", r#""all""#), VALID),
];

const TEXTS: Vectors = &[
    ("spaces in the JSON", ClaimsText(|text| text.replace(',', " ,\n").into()), VALID),
    ("a member twice", ClaimsText(|text| text.replace('{', r#"{"role":"admin","#).into()), INVALID),
    ("the same member twice", ClaimsText(|text| text.replace('{', r#"{"role":"customer","#).into()), INVALID),
    ("a member of the header twice", HeaderText(|text| text.replace('{', r#"{"alg":"none","#).into()), INVALID),
    ("claims as a list", ClaimsText(|_| b"[]".into()), INVALID),
    ("claims as a text", ClaimsText(|_| br#""{}""#.into()), INVALID),
    ("claims null", ClaimsText(|_| b"null".into()), INVALID),
    ("no claims", ClaimsText(|_| vec![]), INVALID),
    ("claims with more after them", ClaimsText(|text| format!("{text}{text}").into()), INVALID),
    ("claims that end too soon", ClaimsText(|text| text[..text.len() - 1].into()), INVALID),
    ("claims that are not UTF-8", ClaimsText(|text| replaced(text, "customer", b"customer\xff")), INVALID),
    ("claims with a byte order mark", ClaimsText(|text| both(b"\xef\xbb\xbf", text.as_bytes())), INVALID),
    ("header as a list", HeaderText(|_| br#"["ES256","at+jwt","key"]"#.into()), INVALID),
    ("header that is not UTF-8", HeaderText(|text| replaced(text, "at+jwt", b"at+jwt\xff")), INVALID),
    ("header null", HeaderText(|_| b"null".into()), INVALID),
    ("no header", HeaderText(|_| vec![]), INVALID),
    ("nothing", Token(|_| String::new()), INVALID),
    ("dots alone", Token(|_| "..".into()), INVALID),
    ("one part", Token(|token| token.replace('.', "")), INVALID),
    ("two parts", Token(|token| token.rsplit_once('.').unwrap().0.into()), INVALID),
    ("an empty third part", Token(|token| format!("{}.", token.rsplit_once('.').unwrap().0)), INVALID),
    ("an empty first part", Token(|token| format!(".{}", token.split_once('.').unwrap().1)), INVALID),
    ("four parts", Token(|token| format!("{token}.")), INVALID),
    ("four parts, the first one empty", Token(|token| format!(".{token}")), INVALID),
    ("five parts, as an encrypted token (RFC 7516)", Token(|token| format!("{token}.AAAA.AAAA")), INVALID),
    ("as JSON (RFC 7515, section 7.2)", Token(as_json), INVALID),
    ("a space before it", Token(|token| format!(" {token}")), INVALID),
    ("a space after it", Token(|token| format!("{token} ")), INVALID),
    ("a line break after it", Token(|token| format!("{token}\n")), INVALID),
    ("a line break in it", Token(|token| token.replacen('.', "\n.", 1)), INVALID),
    ("NUL after it", Token(|token| format!("{token}\0")), INVALID),
    ("padding after it", Token(|token| format!("{token}==")), INVALID),
    ("padding in each part", Token(|token| coded(token, |part| URL_SAFE.encode(part))), INVALID),
    ("base64 instead of base64url", Forged(Builder::in_base64), INVALID),
    ("a character that base64url has not", Token(|token| token.replacen('.', "!.", 1)), INVALID),
    ("a letter beyond ASCII", Token(|token| token.replacen("ey", "\u{435}y", 1)), INVALID),
    ("bits after the last byte", Token(with_spare_bits), INVALID),
    ("with its scheme", Token(|token| format!("Bearer {token}")), INVALID),
    ("twice, separated by a comma", Token(|token| format!("{token},{token}")), INVALID),
    ("as long as may be", Forged(Builder::longest), VALID),
    ("longer than may be", Forged(Builder::too_long), INVALID),
    ("a megabyte", Token(|token| format!("{token}{}", "A".repeat(1_000_000))), INVALID),
];

fn as_json(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string()
}

#[tokio::test]
async fn every_vector_of_access_tokens_has_its_result() {
    let memory = Memory::default();
    let tokens = rotated(&memory).await;
    let issued = tokens.issue(&claims()).await.unwrap();
    let builder = Builder::new(&memory, &issued);
    assert_eq!(tokens.verify(&builder.token(&Signature(<[u8]>::to_vec)), at(NOW)).await, Ok(Some(claims())));
    let mut wrong = Vec::new();
    for (about, vectors) in
        [("signature", SIGNATURES), ("algorithm", ALGORITHMS), ("key", KEYS), ("claim", CLAIMS), ("text", TEXTS)]
    {
        for (name, recipe, is_valid) in vectors {
            let verified = tokens.verify(&builder.token(recipe), at(NOW)).await.unwrap();
            if verified.is_some() != *is_valid {
                wrong.push(format!("{about}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
