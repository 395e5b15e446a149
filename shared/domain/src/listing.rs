//! Lists of products: what they are filtered, searched and sorted by.

use crate::{
    DomainEvent, Money, event,
    money::{Amount, Currency},
    product::Product,
    text::{Category, Description},
};
use kernel::{Failure, Timestamp};

/// Maximum length of a search text in characters.
pub const MAX_SEARCH: usize = 100;
/// Maximum number of words in a search text.
pub const MAX_WORDS: usize = 8;
/// Shorter words are matched without typo tolerance.
pub const MIN_TYPO_TOLERANT_CHARS: usize = 4;

/// Filter and sort order of a product list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductQuery {
    pub category: Option<Category>,
    /// Search words. Each must match a word of the product, as a prefix or with a typo; see [`words`].
    pub words: Vec<String>,
    /// Limits of the price of a unit in minor units of the product's currency.
    pub min_price: Option<Amount>,
    pub max_price: Option<Amount>,
    pub currency: Option<Currency>,
    /// In stock (`true`) or sold out (`false`) only; `None` for both.
    pub available: Option<bool>,
    /// Whether the stock is at [`crate::stock::LOW_STOCK_THRESHOLD`] or below.
    pub low_stock: Option<bool>,
    pub sort: Sort,
}

words! {
    /// The order of a list; a minus stands for descending. Products that are equal in it are ordered by id.
    #[derive(Default)]
    pub enum Sort {
        #[default]
        #[strum(serialize = "-created_at")]
        Newest,
        #[strum(serialize = "created_at")]
        Oldest,
        #[strum(serialize = "price")]
        PriceAscending,
        #[strum(serialize = "-price")]
        PriceDescending,
        #[strum(serialize = "name")]
        Name,
        #[strum(serialize = "-name")]
        NameDescending,
        /// How well the words match; only for a list with words.
        #[strum(serialize = "relevance")]
        Relevance,
    }
}

impl Sort {
    pub const fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::PriceDescending | Self::NameDescending | Self::Relevance)
    }
}

impl ProductQuery {
    /// Checks combinations of parameters.
    pub fn check(self) -> Result<Self, Failure> {
        if self.min_price.zip(self.max_price).is_some_and(|(least, most)| least > most) {
            return Err(Failure::field("?min_price", "must not exceed max_price"));
        }
        if self.sort == Sort::Relevance && self.words.is_empty() {
            return Err(Failure::field("?sort", "relevance needs a search text in q"));
        }
        Ok(self)
    }
}

/// The words of a search text, in lower case and each once: runs of letters and digits.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    if text.chars().count() > MAX_SEARCH {
        return Err(format!("must be at most {MAX_SEARCH} characters"));
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.len() {
        0 => Err("must have at least one letter or digit".to_owned()),
        count if count > MAX_WORDS => Err(format!("must have at most {MAX_WORDS} words")),
        _ => Ok(words),
    }
}

/// The product that an event of the catalogue states, of which the event is version `sequence`. The stock figure is the one that the event
/// has, and otherwise unknown.
pub fn stated(event: &DomainEvent, sequence: u64, at: Timestamp) -> Result<Product, Failure> {
    Ok(match event {
        DomainEvent::ProductCreated(created) => Product {
            id: created.product_id,
            sku: created.sku.clone(),
            name: created.name.clone(),
            description: created.description.clone(),
            category: created.category.clone(),
            price: created.price,
            images: Vec::new(),
            active: true,
            stock_quantity: i64::from(created.stock_quantity),
            stock_version: 0,
            version: sequence,
            created_at: at,
            updated_at: at,
            changed_by: None,
        },
        DomainEvent::ProductUpdated(updated) => Product {
            id: updated.product_id,
            sku: updated.sku.clone(),
            name: updated.name.clone(),
            description: updated.description.clone(),
            category: updated.category.clone(),
            price: updated.price,
            images: updated.images.clone(),
            active: true,
            stock_quantity: 0,
            stock_version: 0,
            version: sequence,
            created_at: updated.created_at,
            updated_at: at,
            changed_by: None,
        },
        DomainEvent::ProductDeleted(deleted) => Product {
            id: deleted.product_id,
            sku: deleted.sku.clone(),
            name: deleted.name.clone(),
            description: Description::empty(),
            category: deleted.category.clone(),
            price: deleted.price,
            images: Vec::new(),
            active: false,
            stock_quantity: 0,
            stock_version: 0,
            version: sequence,
            created_at: deleted.created_at,
            updated_at: at,
            changed_by: None,
        },
        other => return Err(event::unexpected_event(other)),
    })
}

/// A category with products on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryCount {
    pub category: Category,
    /// Number of products on sale.
    pub products: u64,
}

/// A price of a product, from one version on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    pub price: Money,
    /// The version of the product that has the price first.
    pub version: u64,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_text_is_split_into_distinct_lower_case_words() {
        assert_eq!(words("  Storm-LANTERN, storm (x2)"), Ok(["storm", "lantern", "x2"].map(str::to_owned).into()));
        assert_eq!(words("照明 Öl"), Ok(["照明", "öl"].map(str::to_owned).into()));
        for refused in ["", " -:*'\\ ", &"a ".repeat(51), "a b c d e f g h i"] {
            assert!(words(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn each_order_has_a_name_that_parses_to_it() {
        for sort in Sort::ALL {
            assert_eq!(Sort::parse(sort.name()), Some(sort));
        }
        assert_eq!(Sort::parse("sku"), None);
    }

    #[test]
    fn parts_that_contradict_each_other_are_refused() {
        let amount = |minor| Some(Amount::try_from(minor).expect("valid"));
        let range =
            |least, most| ProductQuery { min_price: amount(least), max_price: amount(most), ..Default::default() };
        assert!(range(5, 5).check().is_ok() && range(6, 5).check().is_err());
        let by_relevance = ProductQuery { sort: Sort::Relevance, ..Default::default() };
        assert!(by_relevance.clone().check().is_err());
        assert!(ProductQuery { words: vec!["a".to_owned()], ..by_relevance }.check().is_ok());
    }
}
