//! Imports of products: responses of the routes, and the processing of a file.

use super::{assert_all_samples_run, clock, http::assert_responses, sample, sample_time};
use domain::{
    id::ImportId,
    product_import::{self, CreateImport, Import, MAX_LINES, Status},
    text::Sku,
};
use edge::Clock;
use kernel::{Timestamp, Uuid};
use ports::{JobStore as _, ProductStore as _};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Crashed, Dependency, FaultPoint, Platform, build};

/// The import of the samples.
const IMPORT: ImportId = ImportId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00a7));

fn after(seconds: u64) -> Timestamp {
    sample_time() + Duration::from_secs(seconds)
}

/// Creates the import of a file of this size.
async fn create(platform: &Platform, mode: &str, size: usize) -> Import {
    let command: CreateImport = serde_json::from_value(json!({ "mode": mode, "size": size })).expect("a command");
    let import = product_import::create(IMPORT, &command, sample_time()).expect("an import");
    platform.jobs().create(&import, sample_time()).await.expect("stored");
    import
}

/// Uploads a file for a new import.
async fn upload(platform: &Platform, mode: &str, file: &[u8]) -> Import {
    let import = create(platform, mode, file.len()).await;
    platform.product_files().upload(&import.file_key(), file);
    import
}

/// Makes one run, `seconds` after the import was created.
async fn run(platform: &Platform, seconds: u64) -> Result<Value, edge::FunctionError> {
    let handler = async |tick| {
        product_import_run::handle(&platform.jobs(), &platform.product_files(), &platform.products(), tick).await
    };
    let (name, event) = (catalog::PRODUCT_IMPORT_RUN.name, sample(catalog::PRODUCT_IMPORT_RUN, "ok"));
    edge::schedule::tick(name, event, &Clock::at(after(seconds), seconds), &handler).await
}

async fn stored(platform: &Platform) -> Import {
    platform.jobs().get(IMPORT.0).await.expect("a response").expect("an import")
}

/// Created, updated, unchanged, rejected.
fn counts(import: &Import) -> [u64; 4] {
    let progress = &import.progress;
    [progress.created, progress.updated, progress.unchanged, progress.rejected]
}

/// The errors of an import: line, code, pointer.
fn errors(platform: &Platform, import: &Import) -> Vec<(u64, String, String)> {
    let list = platform.product_files().text(&import.errors_key());
    let error = |line: &str| {
        let error: Value = serde_json::from_str(line).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (error["line"].as_u64().expect("a number"), text(&error["code"]), text(&error["errors"][0]["pointer"]))
    };
    list.lines().map(error).collect()
}

fn line(sku: &str) -> Value {
    json!({
        "sku": sku, "name": "Lamp", "category": "lighting", "price": { "amount": 1999, "currency": "USD" },
        "stock_quantity": 3,
    })
}

fn file(lines: &[Value]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

async fn import(platform: &Platform, mode: &str, bytes: &[u8]) -> Import {
    upload(platform, mode, bytes).await;
    run(platform, 60).await.expect("a run");
    stored(platform).await
}

#[tokio::test]
async fn product_import_create_returns_a_link_for_a_file_of_the_stated_size() {
    let platform = Platform::new();
    let expected = [
        ("ok", 202, "", ""),
        ("bad_unknown_field", 422, "validation", "/rows"),
        ("set /body/size = 0", 422, "validation", "/size"),
        ("set /body/size = 67108865", 422, "validation", "/size"),
        (r#"set /body/mode = "replace""#, 422, "validation", "/mode"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
    ];
    assert_responses(catalog::PRODUCT_IMPORT_CREATE, &expected, async |_, call| {
        product_import_create::handle(&platform.jobs(), &platform.product_files(), call).await
    })
    .await;
}

async fn get(platform: &Platform) -> Value {
    let route = adapters::Wiring::new(catalog::PRODUCT_IMPORT_GET, adapters::config::Config::from_vars([])).route();
    let handler = async |call| product_import_get::handle(&platform.jobs(), &platform.product_files(), call).await;
    let event = sample(catalog::PRODUCT_IMPORT_GET, "ok");
    let response = edge::http::respond(&route.expect("a route"), event, &clock(), &handler).await;
    serde_json::from_str(response["body"].as_str().expect("a body")).expect("JSON")
}

#[tokio::test]
async fn product_import_get_shows_the_first_hundred_rejected_lines() {
    let platform = Platform::new();
    import(&platform, "create", &b"{}\n".repeat(150)).await;
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    assert_responses(catalog::PRODUCT_IMPORT_GET, &expected, async |_, call| {
        product_import_get::handle(&platform.jobs(), &platform.product_files(), call).await
    })
    .await;
    let body = get(&platform).await;
    assert_eq!((&body["status"], &body["rejected"]), (&json!("completed_with_errors"), &json!(150)));
    assert_eq!(body["errors"].as_array().expect("errors").len(), 100);
    assert_eq!((&body["errors"][99]["line"], &body["errors"][0]["code"]), (&json!(100), &json!("validation")));
    assert!(body["errors_url"].as_str().is_some_and(|url| url.contains("errors.jsonl")), "{body}");
}

#[tokio::test]
async fn every_line_is_written_or_rejected_with_its_number_and_member() {
    assert_all_samples_run(catalog::PRODUCT_IMPORT_RUN, &["ok", "bad_not_a_schedule"]);
    let platform = Platform::new();
    platform.products().put(&build::product().sku("TAKEN").created());
    let with = |member: &str, value: Value| {
        let mut line = line("BAD");
        line[member] = value;
        line.to_string()
    };
    let long = "x".repeat(70_000);
    let text = format!(
        "\u{FEFF}{}\r\n\n   \n{}\n{}\n{}\n{}\n{{\n{}\n{}\n{}\n[1]\n{long}\n\u{0}\n{}\n{}",
        line("A"),
        line("TAKEN"),
        with("colour", json!("red")),
        with("price", json!({ "amount": -1, "currency": "USD" })),
        line("A"),
        with("name", json!("a\u{0}b")),
        r#"{"sku": "A", "sku": "B"}"#,
        with("stock_quantity", json!(0.5)),
        line("B").to_string().replace("1999", "1.999e3"),
        line("C"),
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\n\xFF\xFE{}\n");
    let import = import(&platform, "create", &bytes).await;
    assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, [3, 0, 0, 12]));
    let skus: Vec<_> = platform.products().created().iter().map(|product| product.sku.as_str().to_owned()).collect();
    assert_eq!(skus, ["A", "B", "C"]);
    let errors = errors(&platform, &import);
    let told: Vec<(u64, &str, &str)> = errors.iter().map(|(line, code, at)| (*line, &**code, &**at)).collect();
    let expected = [
        (4, "sku-taken", "/sku"),
        (5, "validation", "/colour"),
        (6, "validation", "/price/amount"),
        (7, "sku-repeated", "/sku"),
        (8, "malformed-json", ""),
        (9, "validation", "/name"),
        (10, "duplicate-member", ""),
        (11, "validation", "/stock_quantity"),
        (12, "validation", "/0"),
        (13, "line-too-long", ""),
        (14, "malformed-json", ""),
        (17, "malformed-json", ""),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn upsert_changes_what_differs_and_rejects_withdrawn_and_repeated_skus() {
    let platform = Platform::new();
    let create = |sku: &str, n: u64| build::product().number(n).sku(sku).stock(7).created();
    let (same, other) = (create("SAME", 1), create("OTHER", 2));
    let gone = domain::product::withdraw(&create("GONE", 3), sample_time()).expect("allowed");
    for product in [&same, &other, &gone] {
        platform.products().put(product);
    }
    let stated: Value = serde_json::from_str(&domain::product_export::line(&same).expect("a line")).expect("JSON");
    let lines = [stated, line("OTHER"), line("GONE"), line("NEW"), line("OTHER")];
    let import = import(&platform, "upsert", &file(&lines)).await;
    assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, [1, 1, 1, 2]));
    let changed = platform.products().get(other.id).await.expect("a response").expect("a product");
    assert_eq!((changed.name.as_str(), changed.version, changed.stock_quantity), ("Lamp", 2, 7));
    assert_eq!(platform.products().get(same.id).await, Ok(Some(same)));
    let errors = errors(&platform, &import);
    let codes: Vec<_> = errors.iter().map(|(line, code, _)| (*line, code.as_str())).collect();
    assert_eq!(codes, [(3, "sku-taken"), (5, "sku-repeated")]);
}

#[tokio::test]
async fn line_of_a_product_that_cannot_be_read_is_rejected_and_the_others_are_written() {
    let platform = Platform::new();
    let spoilt = build::product().number(1).sku("SPOILT").created();
    platform.products().put(&spoilt);
    platform.products().spoil(spoilt.id);
    let logs = edge::testing::CapturedLogs::begin();
    let import = import(&platform, "upsert", &file(&[line("A"), line("SPOILT"), line("B")])).await;
    assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, [2, 0, 0, 1]));
    assert_eq!(errors(&platform, &import), [(2, "internal".to_owned(), String::new())]);
    let logged = logs.with_message("import of a line failed");
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert_eq!(logged[0]["failure.item"], format!("2 of import {}", import.id));
    assert_eq!(logged[0]["failure.internal"], "the product is malformed");
}

/// A file with something of everything, and the counts of its upsert over one product that differs and one that does not.
async fn mixed(platform: &Platform) -> (Vec<u8>, [u64; 4]) {
    let same = build::product().number(1).sku("SAME").created();
    platform.products().put(&same);
    platform.products().put(&build::product().number(2).sku("OTHER").created());
    let mut lines: Vec<Value> = (0..250).map(|n| line(&format!("NEW-{n}"))).collect();
    lines.insert(3, json!({}));
    lines.insert(220, json!([]));
    lines.insert(230, line("OTHER"));
    lines.insert(240, serde_json::from_str(&domain::product_export::line(&same).expect("a line")).expect("JSON"));
    (file(&lines), [250, 1, 1, 2])
}

#[tokio::test]
async fn import_that_crashes_at_any_operation_writes_every_line_once() {
    let whole = Platform::new();
    let (bytes, expected) = mixed(&whole).await;
    let begun = whole.operation_count();
    let import = import(&whole, "upsert", &bytes).await;
    assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, expected));
    let (count, list) = (whole.operation_count() - begun, whole.product_files().text(&import.errors_key()));
    // Of 250 operations on the table, which are alike, every tenth.
    let operations = whole.operations();
    let crashes = (1..=count).filter(|n| operations[begun + n - 1].dependency != Dependency::Table || n % 10 == 0);
    for number in crashes {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let platform = Platform::new();
            mixed(&platform).await;
            upload(&platform, "upsert", &bytes).await;
            platform.faults().crash(platform.operation_count() + number - 1, point);
            let crashed = platform.run(run(&platform, 60)).await;
            assert!(matches!(crashed, Err(Crashed) | Ok(Ok(_))), "{number} {point:?}");
            platform.faults().restore_all();
            for seconds in [61, 300, 500] {
                run(&platform, seconds).await.expect("a run");
            }
            let import = stored(&platform).await;
            let at = format!("{number} {point:?}");
            assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, expected), "{at}");
            assert_eq!(platform.product_files().text(&import.errors_key()), list, "{at}");
            assert_eq!((platform.products().created().len(), platform.products().replaced().len()), (250, 1), "{at}");
        }
    }
}

#[tokio::test]
async fn outage_of_a_store_delays_an_import_and_changes_no_count() {
    for dependency in [Dependency::Table, Dependency::Documents, Dependency::Database] {
        let platform = Platform::new();
        let (bytes, expected) = mixed(&platform).await;
        upload(&platform, "upsert", &bytes).await;
        platform.faults().fail(dependency, testkit::Occurrence::Nth(4), FaultPoint::After);
        platform.faults().fail(dependency, testkit::Occurrence::Nth(9), FaultPoint::Before);
        let outcomes = [run(&platform, 60).await, run(&platform, 300).await, run(&platform, 600).await];
        assert!(outcomes.iter().any(Result::is_err), "{dependency:?}");
        platform.faults().restore_all();
        run(&platform, 900).await.expect("a run");
        let import = stored(&platform).await;
        assert_eq!((import.status, counts(&import)), (Status::CompletedWithErrors, expected), "{dependency:?}");
        assert_eq!(platform.products().created().len(), 250, "{dependency:?}");
    }
}

#[tokio::test]
async fn concurrent_runs_write_every_line_once() {
    let platform = Platform::new();
    let (bytes, expected) = mixed(&platform).await;
    upload(&platform, "upsert", &bytes).await;
    platform.faults().interleave();
    let runs = futures_util::future::join_all((60..64).map(|seconds| run(&platform, seconds))).await;
    assert!(runs.iter().all(Result::is_ok), "{runs:?}");
    assert_eq!(counts(&stored(&platform).await), expected);
    assert_eq!(platform.products().created().len(), 250);
}

#[tokio::test]
async fn file_that_is_not_uploaded_in_time_expires() {
    let platform = Platform::new();
    create(&platform, "create", 10).await;
    for (seconds, status) in [(1, Status::AwaitingUpload), (900, Status::AwaitingUpload), (990, Status::Expired)] {
        run(&platform, seconds).await.expect("a run");
        assert_eq!(stored(&platform).await.status, status, "{seconds}");
    }
}

#[tokio::test]
async fn file_that_is_replaced_or_deleted_while_it_is_read_fails_the_import() {
    for replacement in [Some("{}\n"), None] {
        let platform = Platform::new();
        let lines: Vec<Value> = (0..6_000).map(|n| line(&format!("NEW-{n}"))).collect();
        let import = upload(&platform, "create", &file(&lines)).await;
        run(&platform, 60).await.expect("a run");
        let written = stored(&platform).await.progress.created;
        assert!((1..6_000).contains(&written), "one run has a limit: {written}");
        match replacement {
            Some(text) => platform.product_files().upload(&import.file_key(), text),
            None => platform.product_files().delete(&import.file_key()),
        }
        run(&platform, 120).await.expect("a run");
        let import = stored(&platform).await;
        assert_eq!((import.status, import.failure), (Status::Failed, Some(product_import::ImportFailure::FileChanged)));
        assert_eq!(import.progress.created, written);
    }
}

#[tokio::test]
async fn file_of_another_size_or_with_too_many_lines_fails_the_import() {
    let platform = Platform::new();
    let import = create(&platform, "create", 10).await;
    platform.product_files().upload(&import.file_key(), "{}");
    run(&platform, 60).await.expect("a run");
    assert_eq!(stored(&platform).await.failure, Some(product_import::ImportFailure::OtherSize));

    let platform = Platform::new();
    upload(&platform, "create", &vec![b'\n'; 1_000_000]).await;
    for minute in 1..=25 {
        run(&platform, 60 * minute).await.expect("a run");
    }
    let import = stored(&platform).await;
    assert_eq!((import.failure, import.progress.lines), (Some(product_import::ImportFailure::TooManyLines), MAX_LINES));
}

#[tokio::test]
async fn line_of_many_megabytes_is_rejected_once_and_the_next_one_is_read() {
    let platform = Platform::new();
    let mut bytes = vec![b'x'; 3_000_000];
    bytes.extend_from_slice(format!("\n{}\n", line("NEXT")).as_bytes());
    let import = import(&platform, "create", &bytes).await;
    assert_eq!((import.progress.lines, counts(&import)), (2, [1, 0, 0, 1]));
    assert_eq!(errors(&platform, &import), [(1, "line-too-long".to_owned(), String::new())]);
    let sku = Sku::parse("NEXT").expect("a SKU");
    assert!(platform.products().get_by_sku(&sku).await.expect("a response").is_some());
}

#[tokio::test]
async fn file_without_a_product_completes() {
    let platform = Platform::new();
    let import = import(&platform, "create", b"\n \n").await;
    assert_eq!((import.status, import.progress.lines, counts(&import)), (Status::Completed, 2, [0; 4]));
}
