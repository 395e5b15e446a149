//! Contract of [`JobStore`], over a store without jobs.

use super::{Fixture, fresh, kind_and_code};
use domain::{
    id::{ExportId, ImportId},
    job::Job as _,
    product_export::Export,
    product_import::{self, CreateImport, Import, ImportFailure},
};
use futures_util::future::join_all;
use kernel::{FailureKind, Timestamp};
use ports::{JobStore, LeasedJob};
use std::time::Duration;

/// Generates one test per rule of [`JobStore`]. The expression is a future of a `Fixture<impl JobStore>`.
#[macro_export]
macro_rules! contract_jobs {
    ($fixture:expr) => {
        $crate::each_rule! { jobs, $fixture;
            stored_job_is_returned_unchanged_and_as_its_type_only
            jobs_of_a_type_are_listed_newest_first_in_pages
            job_is_leased_by_one_until_its_lease_ends
            job_that_was_leased_again_is_not_saved
            job_that_has_ended_is_not_leased
            job_that_has_been_due_longest_is_leased_first
        }
    };
}

/// One time for all steps of a rule: the clock goes on between them, and would now and then change the order of what is due.
const fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn later(seconds: u64) -> Timestamp {
    now() + Duration::from_secs(seconds)
}

fn an_import() -> Import {
    let command: CreateImport = serde_json::from_str(r#"{"size": 70}"#).expect("a command");
    product_import::create(ImportId(fresh()), &command, now()).expect("an import")
}

async fn create(jobs: &impl JobStore, due: u64) -> Import {
    let import = an_import();
    jobs.create(&import, later(due)).await.expect("stored");
    import
}

async fn lease(jobs: &impl JobStore, at: u64, until: u64) -> Option<LeasedJob<Import>> {
    jobs.lease(later(at), later(until)).await.expect("the store responds")
}

pub async fn stored_job_is_returned_unchanged_and_as_its_type_only(fixture: &Fixture<impl JobStore>) {
    let (jobs, import) = (fixture.port(), create(fixture.port(), 0).await);
    assert_eq!(jobs.get(import.id()).await, Ok(Some(import.clone())));
    assert_eq!(jobs.get::<Export>(import.id()).await, Ok(None));
    assert_eq!(jobs.get::<Import>(fresh()).await, Ok(None));
    assert_eq!(jobs.lease::<Export>(later(9), later(99)).await, Ok(None));
    let export = Export::new(ExportId(fresh()), now());
    jobs.create(&export, now()).await.expect("stored");
    assert_eq!(jobs.get(export.id()).await, Ok(Some(export)));
}

pub async fn jobs_of_a_type_are_listed_newest_first_in_pages(fixture: &Fixture<impl JobStore>) {
    let jobs = fixture.port();
    let empty = jobs.list::<Import>(2, None).await.expect("a page");
    assert_eq!((empty.items, empty.next), (vec![], None));
    let mut created = Vec::new();
    for _ in 0..4 {
        created.insert(0, create(jobs, 0).await);
        let export = Export::new(ExportId(fresh()), now());
        jobs.create(&export, now()).await.expect("stored");
    }
    let (mut listed, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = jobs.list::<Import>(2, cursor.as_deref()).await.expect("a page");
        sizes.push(page.items.len());
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((listed, sizes), (created, vec![2, 2]));
    assert_eq!(kind_and_code(jobs.list::<Import>(2, Some("x")).await), (FailureKind::Invalid, "validation"));
}

pub async fn job_is_leased_by_one_until_its_lease_ends(fixture: &Fixture<impl JobStore>) {
    let import = create(fixture.port(), 0).await;
    let attempts = fixture.concurrent(6).map(|jobs| lease(jobs, 5, 60));
    let leased: Vec<_> = join_all(attempts).await.into_iter().flatten().collect();
    assert_eq!(leased, [LeasedJob { job: import.clone(), fencing_token: 1 }]);
    assert_eq!(lease(fixture.port(), 59, 120).await, None);
    assert_eq!(lease(fixture.port(), 60, 120).await, Some(LeasedJob { job: import, fencing_token: 2 }));
}

pub async fn job_that_was_leased_again_is_not_saved(fixture: &Fixture<impl JobStore>) {
    let (jobs, _) = (fixture.port(), create(fixture.port(), 0).await);
    let mut first = lease(jobs, 0, 60).await.expect("due");
    let mut second = lease(jobs, 60, 120).await.expect("due again");
    first.job.progress.created = 7;
    assert_eq!(jobs.save(&first, later(60)).await, Ok(false));
    second.job.progress.created = 9;
    assert_eq!(jobs.save(&second, later(90)).await, Ok(true));
    assert_eq!(jobs.get(second.job.id()).await, Ok(Some(second.job.clone())));
    assert_eq!(jobs.save(&second, later(90)).await, Ok(true), "as often as it proceeds");
    assert_eq!(
        (lease(jobs, 89, 200).await, lease(jobs, 90, 200).await.map(|leased| leased.fencing_token)),
        (None, Some(3))
    );
}

pub async fn job_that_has_ended_is_not_leased(fixture: &Fixture<impl JobStore>) {
    let (jobs, _) = (fixture.port(), create(fixture.port(), 0).await);
    let mut leased = lease(jobs, 0, 60).await.expect("due");
    leased.job.fail(ImportFailure::FileChanged, now());
    assert_eq!(jobs.save(&leased, now()).await, Ok(true));
    assert_eq!(lease(jobs, 600, 700).await, None);
}

pub async fn job_that_has_been_due_longest_is_leased_first(fixture: &Fixture<impl JobStore>) {
    let jobs = fixture.port();
    let (third, first, second) = (create(jobs, 3).await, create(jobs, 1).await, create(jobs, 2).await);
    assert_eq!(lease(jobs, 0, 60).await, None, "none is due");
    for expected in [first, second, third] {
        assert_eq!(lease(jobs, 3, 60).await.map(|leased| leased.job), Some(expected));
    }
}
