//! Texts that mean something to a template, a browser, a mail server or a spreadsheet are shown as texts by every message.

use super::*;
use serde_json::Value as Json;

const HOSTILE: [&str; 44] = [
    "{{ 7 * 7 }}",
    "{{ order_id }}",
    "{{ name.__class__ }}",
    "{{ name|safe }}",
    "{%- include 'en/layout.html' -%}",
    "{% extends \"en/layout.html\" %}",
    "{% endblock %}",
    "{% for x in lines %}",
    "{% raw %}{{ x }}",
    "{# comment #}",
    "{{",
    "}}",
    "${7*7} #{7*7} <%= 7 * 7 %>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='https://evil.example'>here</a>",
    "</p></td></tr></table></body></html>",
    "<!-- comment",
    "--> ]]> ?>",
    "<style>*{display:none}</style>",
    "\" onmouseover=\"alert(1)",
    "' autofocus onfocus='alert(1)",
    "&lt;b&gt; &amp; &#60;i&#62; &quot;",
    "< b > & c",
    "\\u003cscript\\u003e \\x3c \\074",
    "%3Cscript%3E %0d%0aBcc:eve@example.com",
    "javascript:alert(1)//",
    "Bcc: eve@example.com",
    "Subject: another",
    "=?utf-8?Q?=0D=0ABcc:_eve@example.com?=",
    "--boundary--",
    "=HYPERLINK(\"https://evil.example\")",
    "=cmd|' /C calc'!A1",
    "line\u{2028}separator\u{2029}paragraph",
    "no\u{a0}break",
    "zero\u{200b}width\u{200d}\u{2060}\u{feff}joined",
    "שלום עולם",
    "مرحبا \u{200f}marks\u{200e}",
    "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
    "🛟👩\u{200d}👧\u{1f3fd}",
    "ﬁ K İ ß",
    "'; DROP TABLE orders; --",
    "../../etc/passwd",
    "$& $1 \\1 \\g<0> %s %n {0}",
];

/// Further texts, that no text of one line may contain.
const REFUSED: [&str; 8] = [
    "Ada\r\nBcc: eve@example.com",
    "Ada\nBcc: eve@example.com",
    "Ada\rBcc: eve@example.com",
    "Ada\u{85}Bcc: eve@example.com",
    "Ada\0",
    "Ada\u{1b}[2J",
    "Ada\u{202e}live.exe",
    "Ada\u{2066}x",
];

const FORMS: [Form; 4] = [Form::Subject, Form::Txt, Form::Html, Form::Short];

const ADDRESS: [&str; 5] = [
    "/data/shipping_address/name",
    "/data/shipping_address/line1",
    "/data/shipping_address/line2",
    "/data/shipping_address/city",
    "/data/shipping_address/region",
];

/// The members of the event of a message that take any text.
fn fields(template: Template) -> Vec<&'static str> {
    let own: &[&str] = match template {
        Template::OrderConfirmed => &["/data/lines/0/product_name"],
        Template::OrderShipped => &["/data/lines/0/product_name", "/data/tracking/carrier"],
        Template::Message => &["/data/subject", "/data/text"],
        Template::OrderWaiting | Template::OrderCancelled | Template::OrderDelivered => &[],
    };
    let has_address = matches!(template, Template::OrderConfirmed | Template::OrderShipped);
    let address = ADDRESS.into_iter().filter(|_| has_address);
    own.iter().copied().chain(address).collect()
}

/// The first sample of a message, with the parts of an address that it lacks.
fn sample(key: TemplateKey) -> Json {
    let (_, event) = samples::of(key).unwrap().remove(0);
    let mut event = serde_json::to_value(event).unwrap();
    if let Some(address) = event.pointer_mut("/data/shipping_address") {
        (address["name"], address["line2"]) = ("Ada".into(), "Hall".into());
    }
    event
}

fn with(mut event: Json, pointer: &str, text: &str) -> Option<DomainEvent> {
    *event.pointer_mut(pointer).unwrap() = text.into();
    serde_json::from_value(event).ok()
}

fn texts_of(value: &Json, pointer: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            members.iter().for_each(|(name, member)| texts_of(member, &format!("{pointer}/{name}"), found));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| texts_of(item, &format!("{pointer}/{n}"), found));
        }
        Json::String(_) => found.push(pointer.to_owned()),
        _ => {}
    }
}

#[test]
fn every_member_that_takes_any_text_is_named_and_takes_no_control_characters() {
    for key in keys() {
        let (event, mut all) = (sample(key), Vec::new());
        texts_of(&event, "", &mut all);
        let mut open: Vec<_> =
            all.iter().filter(|pointer| with(event.clone(), pointer, "<b>{{ x }}</b>").is_some()).collect();
        open.sort();
        let mut named = fields(key.template);
        named.sort_unstable();
        assert_eq!(open, named, "{key:?}");
        for pointer in named {
            assert!(with(event.clone(), pointer, &"x".repeat(10_000)).is_none(), "{pointer} takes 10 kB");
            // The body of a message may have several lines.
            let refused = REFUSED.into_iter().filter(|text| pointer != "/data/text" || !text.contains(['\r', '\n']));
            for text in refused {
                assert!(with(event.clone(), pointer, text).is_none(), "{pointer} takes {text:?}");
            }
        }
    }
    assert!(REFUSED.into_iter().all(|text| FullName::parse(text).is_err()));
}

/// The forms of a message with these texts in its members and as the name of the recipient, from the built-in templates and from edited ones
/// with the same texts.
fn forms(key: TemplateKey, texts: &dyn Fn(usize) -> String) -> Vec<(Form, String)> {
    let templates = JinjaMessageTemplates::new().unwrap();
    let mut event = sample(key);
    for (n, pointer) in fields(key.template).into_iter().enumerate() {
        *event.pointer_mut(pointer).unwrap() = texts(n + 1).into();
    }
    let mut to = contact(Some(&texts(0)));
    to.preferences.locale = key.locale;
    let data = context_of(&to, &serde_json::from_value(event).unwrap()).unwrap();
    let edited = templates.built_in(key).unwrap();
    let built_in = FORMS.map(|form| (form, templates.render_named(&form.name_of(key), &data).unwrap()));
    let edited = FORMS.map(|form| (form, templates.edited.render(key, form, &edited, &data).unwrap()));
    built_in.into_iter().chain(edited).collect()
}

/// What a browser shows of escaped text.
fn unescaped(html: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    named.into_iter().fold(html.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// The tags and comments of a page.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
}

#[test]
fn hostile_texts_in_every_member_are_shown_as_texts_by_every_message() {
    for key in keys() {
        let usual = forms(key, &|n| format!("usual ({n})"));
        let places: usize = usual.iter().map(|(_, form)| form.matches("usual (").count()).sum();
        assert!(places > fields(key.template).len(), "{key:?}");
        for hostile in HOSTILE {
            let shown = forms(key, &|n| format!("{hostile} ({n})"));
            for ((form, shown), (_, usual)) in shown.into_iter().zip(&usual) {
                let text = if form == Form::Html { unescaped(&shown) } else { shown.clone() };
                for n in 0..=fields(key.template).len() {
                    let (wanted, replaced) = (format!("{hostile} ({n})"), format!("usual ({n})"));
                    assert_eq!(
                        text.matches(&wanted).count(),
                        usual.matches(&replaced).count(),
                        "{key:?} {form:?} {wanted:?} in {shown}"
                    );
                }
                if form == Form::Html {
                    assert_eq!(tags(&shown), tags(usual), "{key:?} {hostile:?}");
                }
                assert_eq!(shown.trim().lines().count(), usual.trim().lines().count(), "{key:?} {form:?} {hostile:?}");
            }
        }
    }
}

#[test]
fn body_of_several_lines_changes_neither_subject_nor_tags_but_of_lines() {
    let key = TemplateKey { template: Template::Message, locale: Locale::En };
    let lines = "one\r\nBcc: eve@example.com\r\n\r\n<b>two</b>\r{{ 3 }}";
    let event = with(sample(key), "/data/text", lines).unwrap();
    let email =
        JinjaMessageTemplates::new().unwrap().render_email(key.template, &contact(Some("Ada")), &event, None).unwrap();
    assert_eq!(email.subject, "Your lantern");
    assert!(email.text.contains("one\nBcc: eve@example.com\n\n<b>two</b>\n{{ 3 }}"), "{}", email.text);
    assert!(unescaped(&email.html).contains("<b>two</b><br>{{ 3 }}</p>"), "{}", email.html);
    assert!(!tags(&email.html).contains(&"b"), "{}", email.html);
}

#[test]
fn longest_texts_are_shown_whole() {
    let key = TemplateKey { template: Template::Message, locale: Locale::De };
    let text = "<{{ 'ä' }}>".repeat(4_000 / 11);
    let event = with(sample(key), "/data/text", &text).unwrap();
    let name = "{%<".repeat(66);
    let email =
        JinjaMessageTemplates::new().unwrap().render_email(key.template, &german(Some(&name)), &event, None).unwrap();
    assert!(email.text.contains(&text) && email.text.contains(&name), "{}", email.text);
    assert!(unescaped(&email.html).contains(&text) && unescaped(&email.html).contains(&name), "{}", email.html);
}
