//! Rendering of the texts that staff wrote.
//!
//! They see the same data as the built-in texts, and the layout of their language. What could leave the escaping, the data or the limits of the
//! function is absent: the filter `safe`, other templates, assignments, macros, and every filter and test that is not named here.

use crate::syntax::{self, Defect};
use domain::{
    message_template::{TemplateKey, TemplateTexts},
    sms,
};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, filters, tests};
use std::io;

/// Instructions of one form of a message: many times what the longest built-in one takes for an order of a hundred lines.
const MAX_INSTRUCTIONS: u64 = 50_000;
/// Characters of a rendered subject.
const MAX_SUBJECT_CHARS: usize = 250;
/// Bytes of a rendered form.
const MAX_RENDERED_BYTES: usize = 400_000;
const MAX_RECURSION: usize = 30;

const LAYOUTS: [(&str, &str); 2] = [
    ("en/layout.html", include_str!("../templates/en/layout.html")),
    ("de/layout.html", include_str!("../templates/de/layout.html")),
];

/// A form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Subject,
    Txt,
    Html,
    Short,
}

impl Form {
    /// The member of a request with the text of this form.
    pub fn pointer(self) -> &'static str {
        match self {
            Self::Subject => "/subject",
            Self::Txt => "/txt",
            Self::Html => "/html",
            Self::Short => "/short",
        }
    }

    /// The name of a template, whose ending decides what is escaped.
    pub fn name_of(self, key: TemplateKey) -> String {
        format!("{}/{}.{}", key.locale.name(), key.template.name(), &self.pointer()[1..])
    }

    /// Whether the form is one line, of which white space at both ends is removed.
    pub fn is_one_line(self) -> bool {
        matches!(self, Self::Subject | Self::Short)
    }

    fn source(self, texts: &TemplateTexts) -> &str {
        match self {
            Self::Subject => texts.subject.as_str(),
            Self::Txt => texts.txt.as_str(),
            Self::Html => texts.html.as_str(),
            Self::Short => texts.short.as_str(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct EditedTemplates {
    environment: Environment<'static>,
}

impl EditedTemplates {
    pub fn new() -> Result<Self, Error> {
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(minijinja::default_auto_escape_callback);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MAX_INSTRUCTIONS));
        environment.set_recursion_limit(MAX_RECURSION);
        environment.set_formatter(|output, state, value| match value.is_none() {
            true => Err(Error::new(ErrorKind::InvalidOperation, "a value that may be absent is written without `if`")),
            false => minijinja::escape_formatter(output, state, value),
        });
        environment.add_filter("e", filters::escape);
        environment.add_filter("escape", filters::escape);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("upper", filters::upper);
        environment.add_filter("capitalize", filters::capitalize);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("default", filters::default);
        environment.add_filter("length", filters::length);
        environment.add_filter("first", filters::first);
        environment.add_filter("last", filters::last);
        environment.add_filter("join", filters::join);
        environment.add_test("defined", tests::is_defined);
        environment.add_test("none", tests::is_none);
        for (name, source) in LAYOUTS {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment })
    }

    /// Renders one form, and checks the result by the rules of that form.
    pub fn render(&self, key: TemplateKey, form: Form, texts: &TemplateTexts, data: &Value) -> Result<String, Defect> {
        let source = form.source(texts);
        syntax::check(source)?;
        let name = form.name_of(key);
        let mut written = Bounded::default();
        let template = self.environment.template_from_named_str(&name, source).map_err(|error| defect(&error))?;
        let rendered = template.render_captured_to(data.clone(), &mut written).map(drop);
        if written.is_full {
            return Err(Defect::new(0, format!("is longer than {MAX_RENDERED_BYTES} bytes when it is rendered")));
        }
        rendered.map_err(|error| defect(&error))?;
        let text = String::from_utf8(written.bytes).map_err(|_| Defect::new(0, "is not UTF-8"))?;
        let text = if form.is_one_line() { text.trim().to_owned() } else { text };
        checked(form, text)
    }
}

fn defect(error: &Error) -> Defect {
    Defect {
        line: error.line().unwrap_or(0),
        what: error.kind().to_string(),
        detail: error.detail().map(str::to_owned),
    }
}

fn checked(form: Form, text: String) -> Result<String, Defect> {
    let refuse = |what: String| Err(Defect::new(0, what));
    if text.trim().is_empty() {
        return refuse("is empty when it is rendered".to_owned());
    }
    match form {
        Form::Subject if text.chars().any(char::is_control) => {
            refuse("has several lines when it is rendered".to_owned())
        }
        Form::Subject if text.chars().count() > MAX_SUBJECT_CHARS => {
            refuse(format!("is longer than {MAX_SUBJECT_CHARS} characters when it is rendered"))
        }
        Form::Short => match sms::size(&text).segments {
            segments if segments > sms::MAX_SEGMENTS => {
                refuse(format!("takes {segments} SMS segments when it is rendered; {} are allowed", sms::MAX_SEGMENTS))
            }
            _ => Ok(text),
        },
        Form::Subject | Form::Txt | Form::Html => Ok(text),
    }
}

/// Collects at most [`MAX_RENDERED_BYTES`] bytes.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > MAX_RENDERED_BYTES {
            self.is_full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
