//! Contract of [`ProductIndex`].

use super::{Fixture, fresh, kind_and_code, later};
use crate::build::{self, usd};
use domain::{
    event::StockLevel,
    id::ProductId,
    listing::{ProductQuery, Sort, words},
    product::Product,
    text::Category,
};
use futures_util::future::join_all;
use kernel::FailureKind;
use ports::ProductIndex;

/// Generates one test per rule of [`ProductIndex`]. The expression is a future of a `Fixture<impl ProductIndex>`.
#[macro_export]
macro_rules! contract_product_index {
    ($fixture:expr) => {
        $crate::each_rule! { product_index, $fixture;
            tracked_product_is_listed_unchanged
            newer_version_wins_whatever_the_order_of_events
            concurrent_versions_leave_the_newest
            withdrawn_product_is_not_listed
            stock_figure_is_the_newest_whatever_the_order_of_events
            products_are_filtered_by_price_currency_and_stock
            products_that_run_low_are_listed
            words_match_beginnings_in_every_text_of_a_product
            each_word_must_match
            name_with_a_typo_matches_and_ranks_below_an_exact_one
            short_words_tolerate_no_typo
            each_order_sorts_and_pages_through_all_products_once
            page_is_stable_while_products_are_inserted
            cursor_of_another_order_is_rejected
            categories_count_products_on_sale
            products_on_sale_follow_each_other_by_id
            prices_are_the_changes_newest_first
            prices_of_an_unknown_product_do_not_exist
        }
    };
}

/// A category of its own for each test, since runs may share a database.
fn a_category() -> Category {
    Category::parse(&format!("c-{}", fresh().simple())).expect("a category")
}

/// Product `n` of a category: created `n` seconds after the others.
fn a_product(category: &Category, n: i64, name: &str, cents: i64) -> Product {
    let product = build::product().id(ProductId(fresh())).name(name).price(usd(cents)).at(later(n)).stock(0).created();
    Product { category: category.clone(), ..product }
}

fn of(category: &Category) -> ProductQuery {
    ProductQuery { category: Some(category.clone()), ..Default::default() }
}

fn text(category: &Category, text: &str) -> ProductQuery {
    let words = words(text).expect("words");
    ProductQuery { words, sort: Sort::Relevance, ..of(category) }
}

async fn list(index: &impl ProductIndex, query: &ProductQuery) -> Vec<Product> {
    let page = index.search(query, 100, None).await.expect("the index responds");
    assert_eq!(page.next, None);
    page.items
}

async fn names(index: &impl ProductIndex, query: &ProductQuery) -> Vec<String> {
    list(index, query).await.into_iter().map(|product| product.name.as_str().to_owned()).collect()
}

async fn track_all(index: &impl ProductIndex, products: &[Product]) {
    for product in products {
        index.track(product).await.expect("tracked");
    }
}

fn version(product: &Product, version: u64, name: &str, cents: i64) -> Product {
    let name = domain::text::ProductName::parse(name).expect("a name");
    Product { version, name, price: usd(cents), ..product.clone() }
}

pub async fn tracked_product_is_listed_unchanged(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let product = Product { stock_quantity: 7, ..a_product(&category, 1, "Lamp “Ü” \\ 照明", 1_999) };
    for _ in 0..2 {
        fixture.port().track(&product).await.expect("tracked");
        assert_eq!(list(fixture.port(), &of(&category)).await, std::slice::from_ref(&product));
    }
}

pub async fn newer_version_wins_whatever_the_order_of_events(fixture: &Fixture<impl ProductIndex>) {
    for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
        let category = a_category();
        let first = a_product(&category, 1, "Lamp", 1);
        for number in order {
            fixture.port().track(&version(&first, number, &format!("Lamp {number}"), 1)).await.expect("tracked");
        }
        assert_eq!(names(fixture.port(), &of(&category)).await, ["Lamp 3"], "{order:?}");
    }
}

pub async fn concurrent_versions_leave_the_newest(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let first = a_product(&category, 1, "Lamp", 1);
    let versions: Vec<Product> = [4, 2, 8, 1, 6, 3, 7, 5].map(|n| version(&first, n, &format!("Lamp {n}"), 1)).into();
    let tracked = join_all(fixture.concurrent(8).zip(&versions).map(|(index, one)| index.track(one))).await;
    assert!(tracked.iter().all(Result::is_ok), "{tracked:?}");
    assert_eq!(names(fixture.port(), &of(&category)).await, ["Lamp 8"]);
}

pub async fn withdrawn_product_is_not_listed(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let products = [a_product(&category, 1, "Lamp", 1), a_product(&category, 2, "Rope", 1)];
    let withdrawn = Product { active: false, ..version(&products[0], 3, "Lamp", 1) };
    // The withdrawal comes before the change and the creation.
    track_all(fixture.port(), &[withdrawn, version(&products[0], 2, "Lamp", 1)]).await;
    track_all(fixture.port(), &products).await;
    assert_eq!(names(fixture.port(), &of(&category)).await, ["Rope"]);
}

pub async fn stock_figure_is_the_newest_whatever_the_order_of_events(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let product = Product { stock_quantity: 10, ..a_product(&category, 1, "Lamp", 1) };
    let level = |available, version| StockLevel { product_id: product.id, available, reserved: 0, version };
    let index = fixture.port();
    // The inventory speaks first, and of an older level last.
    index.track_stock(&[level(4, 3)]).await.expect("tracked");
    index.track(&product).await.expect("tracked");
    index.track_stock(&[level(9, 1), level(7, 2)]).await.expect("tracked");
    let shown = list(index, &of(&category)).await;
    assert_eq!((shown[0].stock_quantity, shown[0].stock_version), (4, 3));
    index.track(&version(&product, 2, "Lamp", 1)).await.expect("tracked");
    index.track_stock(&[]).await.expect("nothing to do");
    assert_eq!(list(index, &of(&category)).await[0].stock_quantity, 4);
}

pub async fn products_are_filtered_by_price_currency_and_stock(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let euro = domain::Money::new(20, "EUR").expect("valid");
    let products = [
        a_product(&category, 1, "Ten", 10),
        Product { stock_quantity: 1, ..a_product(&category, 2, "Twenty", 20) },
        a_product(&category, 3, "Thirty", 30),
        Product { price: euro, ..a_product(&category, 4, "Twenty euro", 20) },
    ];
    track_all(fixture.port(), &products).await;
    let amount = |minor: i64| Some(minor.try_into().expect("valid"));
    let (all, oldest) = (of(&category), Sort::Oldest);
    let cases = [
        (ProductQuery { min_price: amount(20), sort: oldest, ..all.clone() }, vec!["Twenty", "Thirty", "Twenty euro"]),
        (
            ProductQuery { max_price: amount(20), currency: Some(usd(1).currency), sort: oldest, ..all.clone() },
            vec!["Ten", "Twenty"],
        ),
        (ProductQuery { min_price: amount(11), max_price: amount(19), ..all.clone() }, vec![]),
        (ProductQuery { available: Some(true), ..all.clone() }, vec!["Twenty"]),
        (ProductQuery { available: Some(false), sort: oldest, ..all }, vec!["Ten", "Thirty", "Twenty euro"]),
    ];
    assert_lists(fixture.port(), &cases).await;
}

pub async fn products_that_run_low_are_listed(fixture: &Fixture<impl ProductIndex>) {
    let (category, limit) = (a_category(), domain::stock::LOW_STOCK_THRESHOLD);
    let stocked = |n, name, stock_quantity| Product { stock_quantity, ..a_product(&category, n, name, 10) };
    let products = [stocked(1, "None", 0), stocked(2, "Few", limit), stocked(3, "Enough", limit + 1)];
    track_all(fixture.port(), &products).await;
    let all = ProductQuery { sort: Sort::Oldest, ..of(&category) };
    let cases = [
        (ProductQuery { low_stock: Some(true), ..all.clone() }, vec!["None", "Few"]),
        (ProductQuery { low_stock: Some(true), available: Some(true), ..all.clone() }, vec!["Few"]),
        (ProductQuery { low_stock: Some(false), ..all }, vec!["Enough"]),
    ];
    assert_lists(fixture.port(), &cases).await;
}

async fn assert_lists(index: &impl ProductIndex, cases: &[(ProductQuery, Vec<&str>)]) {
    for (query, expected) in cases {
        assert_eq!(names(index, query).await, *expected, "{query:?}");
    }
}

pub async fn words_match_beginnings_in_every_text_of_a_product(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let product = a_product(&category, 1, "Storm-Lantern 3000", 1);
    let sku = domain::text::Sku::parse("QX-77").expect("valid");
    fixture.port().track(&Product { sku, ..product }).await.expect("tracked");
    for found in ["storm", "LAN", "3000", "30", "qx", "77", "gives", "storm lantern gives"] {
        assert_eq!(names(fixture.port(), &text(&category, found)).await, ["Storm-Lantern 3000"], "{found}");
    }
    for missed in ["ern", "000", "anchor"] {
        assert_eq!(names(fixture.port(), &text(&category, missed)).await, [""; 0], "{missed}");
    }
}

pub async fn each_word_must_match(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let products = [a_product(&category, 1, "Brass lantern", 1), a_product(&category, 2, "Brass bell", 1)];
    track_all(fixture.port(), &products).await;
    assert_eq!(names(fixture.port(), &text(&category, "brass bell")).await, ["Brass bell"]);
    assert_eq!(names(fixture.port(), &text(&category, "brass rope")).await, [""; 0]);
}

pub async fn name_with_a_typo_matches_and_ranks_below_an_exact_one(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let products = [
        a_product(&category, 1, "Lantern", 1),
        a_product(&category, 2, "Rope", 1),
        a_product(&category, 3, "Lanturn", 1),
    ];
    track_all(fixture.port(), &products).await;
    assert_eq!(names(fixture.port(), &text(&category, "lantern")).await, ["Lantern", "Lanturn"]);
    assert_eq!(names(fixture.port(), &text(&category, "lantrn")).await.len(), 2);
}

pub async fn short_words_tolerate_no_typo(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    track_all(fixture.port(), &[a_product(&category, 1, "Oar", 1)]).await;
    assert_eq!(names(fixture.port(), &text(&category, "oar")).await, ["Oar"]);
    assert_eq!(names(fixture.port(), &text(&category, "oat")).await, [""; 0]);
}

/// The names of all pages of two products.
async fn pages(index: &impl ProductIndex, query: &ProductQuery) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = index.search(query, 2, cursor.as_deref()).await.expect("a page");
        assert!(page.items.len() == 2 || page.next.is_none());
        found.extend(page.items.into_iter().map(|product| product.name.as_str().to_owned()));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub async fn each_order_sorts_and_pages_through_all_products_once(fixture: &Fixture<impl ProductIndex>) {
    let category = a_category();
    let products = [
        a_product(&category, 1, "Lamp c", 30),
        a_product(&category, 2, "lamp b", 10),
        a_product(&category, 3, "Lamp a", 20),
        a_product(&category, 4, "Lamp e", 50),
        a_product(&category, 5, "Lamp d", 40),
    ];
    track_all(fixture.port(), &products).await;
    let expected = [
        (Sort::Oldest, ["Lamp c", "lamp b", "Lamp a", "Lamp e", "Lamp d"]),
        (Sort::PriceAscending, ["lamp b", "Lamp a", "Lamp c", "Lamp d", "Lamp e"]),
        (Sort::Name, ["Lamp a", "lamp b", "Lamp c", "Lamp d", "Lamp e"]),
    ];
    let reversed = [(Sort::Newest, 0), (Sort::PriceDescending, 1), (Sort::NameDescending, 2)];
    for (sort, names) in expected {
        assert_eq!(pages(fixture.port(), &ProductQuery { sort, ..of(&category) }).await, names, "{sort:?}");
    }
    for (sort, other) in reversed {
        let mut names = expected[other].1;
        names.reverse();
        assert_eq!(pages(fixture.port(), &ProductQuery { sort, ..of(&category) }).await, names, "{sort:?}");
    }
    let mut by_relevance = pages(fixture.port(), &text(&category, "lamp")).await;
    by_relevance.sort();
    assert_eq!(by_relevance, ["Lamp a", "Lamp c", "Lamp d", "Lamp e", "lamp b"]);
}

pub async fn page_is_stable_while_products_are_inserted(fixture: &Fixture<impl ProductIndex>) {
    let (category, index) = (a_category(), fixture.port());
    let products: Vec<Product> = (1..=4).map(|n| a_product(&category, n, &format!("Lamp {n}"), 10 * n)).collect();
    track_all(index, &products).await;
    for sort in [Sort::Newest, Sort::PriceAscending] {
        let query = ProductQuery { sort, ..of(&category) };
        let first = index.search(&query, 2, None).await.expect("a page");
        // One before the cursor and, for the cheapest first, one of the same price as the last one.
        track_all(index, &[a_product(&category, 9, "New", 1)]).await;
        let second = index.search(&query, 2, first.next.as_deref()).await.expect("a page");
        let shown: Vec<&str> = first.items.iter().chain(&second.items).map(|product| product.name.as_str()).collect();
        let old: Vec<&str> = shown.into_iter().filter(|name| *name != "New").collect();
        match sort {
            Sort::Newest => assert_eq!(old, ["Lamp 4", "Lamp 3", "Lamp 2", "Lamp 1"]),
            _ => assert_eq!(old, ["Lamp 1", "Lamp 2", "Lamp 3"]),
        }
    }
}

pub async fn cursor_of_another_order_is_rejected(fixture: &Fixture<impl ProductIndex>) {
    let (category, index) = (a_category(), fixture.port());
    track_all(index, &[1, 2].map(|n| a_product(&category, n, "Lamp", n))).await;
    let page = index.search(&of(&category), 1, None).await.expect("a page");
    let cursor = page.next.expect("another page");
    let other = ProductQuery { sort: Sort::PriceAscending, ..of(&category) };
    for (query, cursor) in
        [(&other, cursor.as_str()), (&of(&category), "x"), (&of(&category), "W10"), (&of(&category), "")]
    {
        let rejected = kind_and_code(index.search(query, 1, Some(cursor)).await);
        assert_eq!(rejected, (FailureKind::Invalid, "validation"), "{cursor}");
    }
    let rejected = kind_and_code(index.prices(ProductId(fresh()), 1, Some("x")).await);
    assert_eq!(rejected, (FailureKind::Invalid, "validation"));
}

pub async fn categories_count_products_on_sale(fixture: &Fixture<impl ProductIndex>) {
    let (category, other, gone) = (a_category(), a_category(), a_category());
    let withdrawn = Product { active: false, ..a_product(&gone, 1, "Lamp", 1) };
    let products =
        [a_product(&category, 1, "Lamp", 1), a_product(&category, 2, "Rope", 1), a_product(&other, 3, "Oar", 1)];
    track_all(fixture.port(), &products).await;
    track_all(fixture.port(), &[withdrawn]).await;
    let counts = fixture.port().categories().await.expect("the index responds");
    let count = |of: &Category| counts.iter().find(|one| one.category == *of).map(|one| one.products);
    assert_eq!((count(&category), count(&other), count(&gone)), (Some(2), Some(1), None));
    assert!(counts.is_sorted_by_key(|one| one.category.clone()));
}

pub async fn products_on_sale_follow_each_other_by_id(fixture: &Fixture<impl ProductIndex>) {
    let (category, index) = (a_category(), fixture.port());
    let mut products: Vec<Product> = (1..=5).map(|n| a_product(&category, n, "Lamp", n)).collect();
    products[2].active = false;
    track_all(index, &products).await;
    products.remove(2);
    products.sort_by_key(|product| product.id);
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = index.on_sale_after(after, 2).await.expect("a page");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2 && page.is_sorted_by_key(|product| product.id), "{page:?}");
        after = Some(last.id);
        found.extend(page.into_iter().filter(|product| product.category == category));
    }
    assert_eq!(found, products);
}

pub async fn prices_are_the_changes_newest_first(fixture: &Fixture<impl ProductIndex>) {
    let (category, index) = (a_category(), fixture.port());
    let first = a_product(&category, 1, "Lamp", 10);
    let versions = [(1, 10), (2, 10), (3, 30), (4, 10)].map(|(number, cents)| version(&first, number, "Lamp", cents));
    track_all(index, &versions).await;
    track_all(index, &[Product { active: false, version: 5, ..versions[3].clone() }]).await;
    let page = index.prices(first.id, 2, None).await.expect("the index responds").expect("known");
    let told = |page: &ports::Page<domain::listing::PriceChange>| -> Vec<_> {
        page.items.iter().map(|change| (change.version, change.price.amount.get())).collect()
    };
    assert_eq!(told(&page), [(4, 10), (3, 30)]);
    let rest = index.prices(first.id, 2, page.next.as_deref()).await.expect("the index responds").expect("known");
    assert_eq!((told(&rest), rest.next), (vec![(1, 10)], None));
}

pub async fn prices_of_an_unknown_product_do_not_exist(fixture: &Fixture<impl ProductIndex>) {
    assert_eq!(fixture.port().prices(ProductId(fresh()), 20, None).await, Ok(None));
}
