//! Exports of products: responses of the routes, and what their files have.

use super::{assert_all_samples_run, http::assert_responses, sample, sample_time};
use domain::{
    id::{ExportId, ProductId},
    product::Product,
    product_export::{Export, Status},
    product_import::{self, CreateImport, Import},
};
use edge::Clock;
use kernel::Uuid;
use ports::{JobStore as _, ProductIndex as _};
use serde_json::json;
use std::time::Duration;
use testkit::{Crashed, FaultPoint, Platform, build};

/// The export of the samples.
const EXPORT: ExportId = ExportId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00a8));

async fn run(platform: &Platform, seconds: u64) -> serde_json::Value {
    let handler = async |tick| {
        product_export_run::handle(&platform.jobs(), &platform.product_files(), &platform.product_index(), tick).await
    };
    let clock = Clock::at(sample_time() + Duration::from_secs(seconds), seconds);
    let event = sample(catalog::PRODUCT_EXPORT_RUN, "ok");
    edge::schedule::tick(catalog::PRODUCT_EXPORT_RUN.name, event, &clock, &handler).await.expect("a run")
}

/// Products with descriptions of `length` characters, in the table and in the read model, and an export.
async fn platform_with(count: u64, length: usize) -> (Platform, Export) {
    let platform = Platform::new();
    let description = domain::text::Description::parse(&"é".repeat(length)).expect("a description");
    for number in 1..=count {
        let product = build::product().number(number).sku(&format!("LAMP-{number}")).stock(3).created();
        let product = Product { description: description.clone(), ..product };
        platform.products().put(&product);
        platform.product_index().track(&product).await.expect("tracked");
    }
    let export = Export::new(EXPORT, sample_time());
    platform.jobs().create(&export, sample_time()).await.expect("stored");
    (platform, export)
}

async fn stored(platform: &Platform) -> Export {
    platform.jobs().get(EXPORT.0).await.expect("a response").expect("an export")
}

#[tokio::test]
async fn product_export_create_starts_an_export() {
    let platform = Platform::new();
    let expected = [
        ("ok", 202, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
    ];
    assert_responses(catalog::PRODUCT_EXPORT_CREATE, &expected, async |_, call| {
        product_export_create::handle(&platform.jobs(), call).await
    })
    .await;
    assert_eq!(run(&platform, 60).await, json!({ "parts": 1, "ended": 1 }));
}

#[tokio::test]
async fn product_export_get_has_a_link_once_the_file_is_there() {
    let (platform, _) = platform_with(2, 0).await;
    let get = async |expected: &str| {
        let cases = [
            ("ok", 200, "", ""),
            ("bad_no_principal", 401, "unauthenticated", ""),
            (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        ];
        assert_responses(catalog::PRODUCT_EXPORT_GET, &cases, async |_, call| {
            product_export_get::handle(&platform.jobs(), &platform.product_files(), call).await
        })
        .await;
        assert_eq!(stored(&platform).await.status.name(), expected);
    };
    get("running").await;
    run(&platform, 60).await;
    get("completed").await;
}

#[tokio::test]
async fn export_that_is_imported_again_changes_nothing() {
    assert_all_samples_run(catalog::PRODUCT_EXPORT_RUN, &["ok", "bad_not_a_schedule"]);
    let (platform, export) = platform_with(700, 20).await;
    let gone = build::product().number(701).sku("GONE").created();
    let gone = domain::product::withdraw(&gone, sample_time()).expect("allowed");
    platform.product_index().track(&gone).await.expect("tracked");
    run(&platform, 60).await;
    assert_eq!((stored(&platform).await.status, stored(&platform).await.products), (Status::Completed, 700));
    let file = platform.product_files().text(&export.file_key());
    assert_eq!(file.lines().count(), 700);

    let command: CreateImport =
        serde_json::from_value(json!({ "mode": "upsert", "size": file.len() })).expect("a command");
    let id = domain::id::ImportId(Uuid::from_u128(7));
    let import = product_import::create(id, &command, sample_time()).expect("an import");
    platform.jobs().create(&import, sample_time()).await.expect("stored");
    platform.product_files().upload(&import.file_key(), file);
    let before = platform.products().all();
    let handler = async |tick| {
        product_import_run::handle(&platform.jobs(), &platform.product_files(), &platform.products(), tick).await
    };
    let event = sample(catalog::PRODUCT_IMPORT_RUN, "ok");
    let clock = Clock::at(sample_time(), 7);
    edge::schedule::tick(catalog::PRODUCT_IMPORT_RUN.name, event, &clock, &handler).await.expect("a run");
    let import: Import = platform.jobs().get(id.0).await.expect("a response").expect("an import");
    assert_eq!((import.status, import.progress.unchanged), (product_import::Status::Completed, 700));
    assert_eq!(platform.products().all(), before);
}

#[tokio::test]
async fn export_that_crashes_at_any_operation_has_every_product_once() {
    let (whole, export) = platform_with(1_100, 4_900).await;
    let begun = whole.operation_count();
    run(&whole, 60).await;
    let expected = stored(&whole).await;
    assert_eq!((expected.status, expected.products, expected.parts.len()), (Status::Completed, 1_100, 2));
    let (file, count) = (whole.product_files().text(&export.file_key()), whole.operation_count() - begun);
    assert_eq!(file.lines().count(), 1_100);
    for number in 1..=count {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let (platform, _) = platform_with(1_100, 4_900).await;
            platform.faults().crash(platform.operation_count() + number, point);
            let crashed = platform.run(run(&platform, 60)).await;
            assert!(matches!(crashed, Err(Crashed)), "{number} {point:?}");
            platform.faults().restore_all();
            run(&platform, 300).await;
            assert_eq!(stored(&platform).await.products, 1_100, "{number} {point:?}");
            assert!(platform.product_files().text(&export.file_key()) == file, "{number} {point:?}");
        }
    }
}

#[tokio::test]
async fn large_export_is_continued_by_the_next_runs() {
    let (platform, export) = platform_with(4_500, 4_900).await;
    assert_eq!(run(&platform, 60).await, json!({ "parts": 4, "ended": 0 }));
    assert_eq!(run(&platform, 120).await["ended"], 1);
    let ids: Vec<ProductId> = platform.product_index().all().iter().map(|product| product.id).collect();
    assert!(ids.is_sorted() && platform.product_files().text(&export.file_key()).lines().count() == 4_500);
}
