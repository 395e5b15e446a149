//! The transition table of payments, input by input.

use super::{
    super::Transition::{Ignore, Reject, To},
    *,
};

#[test]
fn transition_table_is_complete() {
    use Status::{Failed, NoPaymentRequired, PartiallyRefunded, Pending, Refunded, RequiresAction, Succeeded};
    let table = Status::ALL.map(|state| Input::ALL.map(|input| next(state, input)));
    // In the order of `Input::ALL`: results of a charge, requests and results of refunds.
    let (part, mut retry) = (To(PartiallyRefunded), [Reject; 7]);
    retry[0] = To(Pending);
    let expected = [
        (Pending, [To(Succeeded), To(RequiresAction), To(NoPaymentRequired), To(Failed), To(Failed)], [Reject; 7]),
        (RequiresAction, [To(Succeeded), Ignore, Ignore, To(Failed), To(Failed)], [Reject; 7]),
        (Succeeded, [Ignore; 5], [Reject, To(Succeeded), part, To(Refunded), To(Succeeded), Reject, Reject]),
        (Failed, [To(Succeeded), Ignore, Ignore, Ignore, Ignore], retry),
        (Refunded, [Ignore; 5], [Reject, Reject, Reject, Reject, To(Refunded), part, To(Succeeded)]),
        (PartiallyRefunded, [Ignore; 5], [Reject, part, part, To(Refunded), part, part, To(Succeeded)]),
        (NoPaymentRequired, [Ignore; 5], [Reject; 7]),
    ];
    for ((state, charge, others), row) in expected.into_iter().zip(table) {
        assert_eq!((&row[..5], &row[5..12]), (&charge[..], &others[..]), "{state:?}");
        assert_eq!(row[12], To(state), "closing leaves {state:?}");
    }
}
