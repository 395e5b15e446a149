//! Tests of the steps, without stores.

use super::*;
use crate::{
    Money,
    ledger::{DiscrepancyKind, GatewayStatement, Purpose},
};

const NOW: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("valid")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD").expect("valid")
}

fn transaction(reference: &str, second: i64) -> GatewayTransaction {
    let reference = reference.to_owned();
    GatewayTransaction {
        purpose: Purpose::Charge,
        reference,
        payment_id: None,
        amount: usd(500),
        fee: usd(45),
        at: at(second),
    }
}

fn transfer(reference: &str, second: i64) -> Transfer {
    let (reference, amount) = (reference.to_owned(), usd(500));
    Transfer { purpose: Purpose::Charge, reference, payment_id: None, refund_id: None, amount, at: at(second) }
}

fn lines<T>(lines: Vec<T>, next: Option<&str>) -> Lines<T> {
    let position = |reference: &str| LinePosition {
        at: at(1),
        purpose: "a purpose of a newer version".to_owned(),
        reference: reference.to_owned(),
    };
    Lines { lines, next: next.map(position) }
}

fn stated(count: u32, posted: Option<Money>) -> Vec<StatedLine> {
    let line =
        |n: u32| StatedLine { transaction: transaction(&format!("pi_{n}"), i64::from(n)), posted, has_fee: false };
    (0..count).map(line).collect()
}

fn next(progress: &ReconciliationProgress) -> Option<Step> {
    next_step(progress, at(NOW)).expect("within the calendar")
}

fn all_read() -> ReconciliationProgress {
    ReconciliationProgress { read_until: Some(at(NOW - 1_800)), ..ReconciliationProgress::default() }
}

fn first_comparison() -> ComparisonProgress {
    match next(&all_read()) {
        Some(Step::Compare(comparison)) => comparison,
        other => panic!("{other:?}"),
    }
}

#[test]
fn statement_is_read_from_four_days_ago_in_windows_until_half_an_hour_ago() {
    let (mut progress, mut windows) = (ReconciliationProgress::default(), Vec::new());
    while let Some(Step::Read { from, to, after }) = next(&progress) {
        assert_eq!((after, progress.read_until.is_none_or(|until| until == from)), (None, true), "no gap");
        windows.push((from.as_second(), to.as_second()));
        progress = read(&progress, (from, to), GatewayStatement::default()).progress;
    }
    assert_eq!(windows.first(), Some(&(NOW - 1_800 - 97 * 3_600, NOW - 1_800 - 96 * 3_600)));
    assert_eq!((windows.len(), windows.last()), (97, Some(&(NOW - 5_400, NOW - 1_800))));
}

#[test]
fn window_keeps_its_end_until_its_last_page_is_read() {
    let progress = ReconciliationProgress { read_until: Some(at(100)), ..ReconciliationProgress::default() };
    let Some(Step::Read { from, to, .. }) = next_step(&progress, at(2_000)).expect("a step") else {
        panic!("no window")
    };
    assert_eq!((from, to), (at(100), at(200)));
    let page = GatewayStatement {
        transactions: vec![transaction("a", 150)],
        next: Some("txn_1".to_owned()),
        ..Default::default()
    };
    let first = read(&progress, (from, to), page);
    assert_eq!((first.transactions.len(), first.progress.read_until), (1, Some(at(100))));
    // Later, the window would be longer; its other pages would then begin elsewhere.
    let second = next_step(&first.progress, at(9_000)).expect("a step");
    assert_eq!(second, Some(Step::Read { from, to, after: Some("txn_1".to_owned()) }));
    let last = read(&first.progress, (from, to), GatewayStatement::default());
    assert_eq!((last.progress.read_until, last.progress.reading), (Some(to), None));
}

#[test]
fn comparison_begins_once_a_day_when_all_is_read_and_overlaps_the_ones_before() {
    let comparison = first_comparison();
    assert_eq!((comparison.from, comparison.to), (at(NOW - 1_800 - 73 * 3_600), at(NOW - 5_400)));
    let begun = compare_statement(&all_read(), &comparison, &lines(vec![], None), at(NOW)).progress;
    let ended =
        compare_ledger(&begun, begun.comparison.as_ref().expect("the other side"), &lines(vec![], None)).progress;
    assert_eq!((ended.comparison.clone(), ended.compared_at), (None, Some(at(NOW))));
    assert_eq!(next(&ended), None);
    let tomorrow = ReconciliationProgress { read_until: Some(at(NOW + 86_400 - 1_800)), ..ended };
    assert!(matches!(next_step(&tomorrow, at(NOW + 86_400)), Ok(Some(Step::Compare(_)))));
}

#[test]
fn full_page_is_continued_after_its_last_line_and_a_short_one_ends_the_side() {
    let (begun, full) = (all_read(), stated(PAGE, Some(usd(500))));
    let first = compare_statement(&begun, &first_comparison(), &lines(full, Some("pi_499")), at(NOW));
    assert_eq!((first.fees.len(), first.reports.len()), (PAGE as usize, 0), "what agrees is not reported");
    let comparison = first.progress.comparison.clone().expect("it goes on");
    assert_eq!(
        (comparison.side, comparison.after.clone().map(|after| after.reference)),
        (ComparedSource::Statement, Some("pi_499".to_owned()))
    );
    let rest = lines(stated(1, Some(usd(500))), None);
    let second = compare_statement(&first.progress, &comparison, &rest, at(NOW + 60));
    let comparison = second.progress.comparison.clone().expect("the other side");
    assert_eq!(
        (comparison.side, comparison.after.clone(), comparison.compared, comparison.fees),
        (ComparedSource::Ledger, None, PAGE + 1, PAGE + 1)
    );
    assert_eq!(second.progress.compared_at, Some(at(NOW)), "when it began");
    let agreed = PostedLine { transfer: transfer("pi_0", 0), is_stated: true };
    let last = compare_ledger(&second.progress, &comparison, &lines(vec![agreed], None));
    let [report] = &last.reports[..] else { panic!("{:?}", last.reports) };
    assert_eq!((report.page, report.is_last, report.compared, report.fees), (1, true, PAGE + 1, PAGE + 1));
}

#[test]
fn discrepancies_are_published_in_events_of_at_most_a_hundred() {
    let page = lines(stated(PAGE, None), Some("pi_499"));
    let first = compare_statement(&all_read(), &first_comparison(), &page, at(NOW));
    let lengths: Vec<_> = first.reports.iter().map(|report| report.discrepancies.len()).collect();
    assert_eq!((lengths, first.fees.len()), (vec![100; 5], 0));
    assert_eq!(first.reports.iter().map(|report| report.page).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let comparison = first.progress.comparison.clone().expect("it goes on");
    let missing: Vec<_> =
        (0..101).map(|n| PostedLine { transfer: transfer(&"x".repeat(255), n), is_stated: false }).collect();
    let comparison = ComparisonProgress { side: ComparedSource::Ledger, ..comparison };
    let last = compare_ledger(&first.progress, &comparison, &lines(missing, None));
    let pages: Vec<_> = last.reports.iter().map(|one| (one.page, one.discrepancies.len(), one.is_last)).collect();
    assert_eq!(pages, [(6, 100, false), (7, 1, true)]);
    let bytes = serde_json::to_string(&last.reports[0]).expect("JSON").len();
    assert!(bytes < 64 * 1024, "{bytes}");
    assert!(last.reports[0].discrepancies.iter().all(|one| one.kind == DiscrepancyKind::MissingAtGateway));
}

#[test]
fn undecodable_transactions_are_reported_when_read() {
    let unreadable = (0..150).map(|n| format!("txn_{n}")).collect();
    let outcome =
        read(&ReconciliationProgress::default(), (at(0), at(1)), GatewayStatement { unreadable, ..Default::default() });
    assert_eq!(outcome.reports.iter().map(|report| report.unreadable.len()).collect::<Vec<_>>(), [100, 50]);
    assert!(outcome.reports.iter().all(|report| (report.page, report.is_last) == (0, false)));
}

#[test]
fn progress_is_stored_as_it_is() {
    let page = lines(stated(PAGE, None), Some("pi_499"));
    let progress = compare_statement(&all_read(), &first_comparison(), &page, at(NOW)).progress;
    let ended = ReconciliationProgress { compared_until: Some(at(NOW)), ..progress.clone() };
    for progress in [progress, ended] {
        let stored = serde_json::to_value(&progress).expect("JSON");
        assert_eq!(serde_json::from_value::<ReconciliationProgress>(stored).expect("progress"), progress);
    }
}

#[test]
fn progress_of_an_older_version_is_stored_as_it_was_read() {
    let stored = serde_json::json!({ "read_until": null, "reading": null, "comparison": null, "compared_at": null });
    let read: ReconciliationProgress = serde_json::from_value(stored.clone()).expect("progress");
    assert_eq!(serde_json::json!(read), stored, "a step is committed only if the stored progress equals it");
}

#[test]
fn page_without_a_line_that_can_be_decoded_does_not_end_a_comparison() {
    let first = compare_statement(&all_read(), &first_comparison(), &lines(vec![], Some("pi_odd")), at(NOW)).progress;
    let comparison = first.comparison.clone().expect("it goes on");
    assert_eq!(
        (comparison.side, comparison.after.map(|after| after.reference)),
        (ComparedSource::Statement, Some("pi_odd".to_owned()))
    );
    let other = ComparisonProgress { side: ComparedSource::Ledger, ..first_comparison() };
    let again = compare_ledger(&first, &other, &lines(vec![], Some("pi_odd")));
    assert_eq!((again.reports.len(), again.progress.comparison.is_some()), (0, true));
}

/// The periods that are compared, one after the other, in hours before now, when the last comparison ended so many hours ago.
fn compared_after(hours: i64) -> Vec<(i64, i64)> {
    let mut progress = ReconciliationProgress {
        compared_at: Some(at(NOW - hours * 3_600)),
        compared_until: Some(at(NOW - hours * 3_600)),
        ..all_read()
    };
    let (mut periods, ago) = (Vec::new(), |time: Timestamp| (NOW - time.as_second()) / 3_600);
    while let Some(Step::Compare(comparison)) = next(&progress) {
        periods.push((ago(comparison.from), ago(comparison.to)));
        let begun = compare_statement(&progress, &comparison, &lines(vec![], None), at(NOW)).progress;
        let comparison = begun.comparison.clone().expect("the other side");
        progress = compare_ledger(&begun, &comparison, &lines(vec![], None)).progress;
    }
    periods
}

#[test]
fn days_without_a_comparison_are_compared_first_and_three_at_a_time() {
    assert_eq!(compared_after(24), [(73, 1)], "each day");
    assert_eq!(compared_after(73), [(73, 1)]);
    assert_eq!(compared_after(100), [(100, 27)], "what follows is part of the next daily one");
    assert_eq!(compared_after(150), [(150, 77), (77, 4)]);
    assert_eq!(compared_after(1_000), [(168, 95), (95, 22)], "the statement is not kept for longer");
}

#[test]
fn end_of_the_last_comparison_follows_from_its_start_in_an_older_progress() {
    let older = ReconciliationProgress { compared_at: Some(at(NOW - 100 * 3_600)), ..all_read() };
    let Some(Step::Compare(comparison)) = next(&older) else { panic!("nothing is compared") };
    assert_eq!(comparison.from, at(NOW - 100 * 3_600 - 5_400));
}
