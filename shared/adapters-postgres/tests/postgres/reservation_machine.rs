//! The database enforces the domain's state machine of reservations.

use crate::fixtures::*;
use domain::stock::{Input, State, Transition, next};

fn states() -> impl Iterator<Item = Option<State>> {
    std::iter::once(None).chain(State::ALL.map(Some))
}

fn literal(state: Option<State>) -> String {
    state.map_or_else(|| "NULL".to_owned(), |state| format!("'{}'", state.name()))
}

#[tokio::test]
async fn database_makes_the_transitions_of_the_domain() {
    let database = database().await;
    for (state, input) in states().flat_map(|state| Input::ALL.map(|input| (state, input))) {
        let transition = format!("inventory.reservation_transition({}, '{}')", literal(state), input.name());
        let rows = database.rows(&format!("SELECT {transition}")).await;
        let expected = match next(state, input) {
            Transition::To(to) => to.name(),
            Transition::Ignore => "ignored",
            Transition::Reject => "rejected",
        };
        assert_eq!(rows[0].get::<_, Option<&str>>(0), Some(expected), "{state:?} {input:?}");
    }
}

#[tokio::test]
async fn database_and_domain_agree_on_which_states_hold_stock() {
    let database = database().await;
    for state in State::ALL {
        let counts_as_reserved =
            database.number(&format!("SELECT inventory.counts_as_reserved('{}')::int::bigint", state.name())).await;
        assert_eq!(counts_as_reserved == 1, state.counts_as_reserved(), "{state:?}");
    }
}

#[tokio::test]
async fn reservations_table_accepts_the_states_of_the_domain_and_no_other() {
    let database = database().await;
    let insert = |state: &str| {
        format!(
            "INSERT INTO inventory.reservations (order_id, state, updated_at) VALUES (gen_random_uuid(), '{state}', now())"
        )
    };
    for state in State::ALL {
        database.execute(&insert(state.name())).await;
    }
    let rejected = format!(
        "DO $$ BEGIN {}; RAISE EXCEPTION 'accepted'; EXCEPTION WHEN check_violation THEN NULL; END $$",
        insert("unknown")
    );
    database.execute(&rejected).await;
}
