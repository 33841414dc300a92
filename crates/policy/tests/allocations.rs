//! What decisions and contracts take from the allocator.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dataspace_policy::{
        Action, Constraint, Contracts, Facts, Layer, Layers, Policies, Rule, Scope, Terms,
        shadow::set_shadow_share,
    };
    use dataspace_primitives::{Digest, Validity};

    fn text(number: u32) -> String {
        let window = Validity::new(
            "2026-01-01T00:00:00Z".parse().unwrap(),
            "2027-01-01T00:00:00Z".parse().unwrap(),
        );
        let rule = Rule::new([Action::Read, Action::Query])
            .when(Constraint::Purpose(
                ["research".parse().unwrap(), "quality".parse().unwrap()].into(),
            ))
            .when(Constraint::Time(window.unwrap()))
            .when(Constraint::Jurisdiction(["DE".parse().unwrap(), "FR".parse().unwrap()].into()))
            .when(Constraint::Class(["open".parse().unwrap()].into()))
            .when(Constraint::Count(50));
        let scope = Scope {
            consumer: format!("did:key:z6MkfrQ9Mxv2Qz1pXzZ6eJYuxUvZ3V6y4WjqPq{number:010}"),
            product: format!("alloys-{number}").parse().unwrap(),
        };
        let forbid = Rule::new([Action::Train, Action::Share]);
        Terms::new().permit(rule).prohibit(forbid).to_cedar(&scope).unwrap()
    }

    fn id(number: u32) -> Digest {
        Digest::of(&number.to_le_bytes())
    }

    #[test]
    fn a_permit_takes_no_memory() {
        set_shadow_share(NonZeroU32::MAX);
        let mut contracts = Contracts::default();
        (0..100).for_each(|number| contracts.activate(id(number), &text(number)).unwrap());
        let forbids: String = (0..100)
        .map(|number| {
            format!("@id(\"f{number}\") forbid (principal == Dataspace::Participant::\"{number}\", action, resource);")
        })
        .collect();
        let forbids = Policies::parse(&forbids, Layer::Space).unwrap();
        let consumer = "did:key:z6MkfrQ9Mxv2Qz1pXzZ6eJYuxUvZ3V6y4WjqPq0000000007";
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let facts = Facts::new(
            (consumer, "DE".parse().unwrap()),
            Action::Read,
            ("alloys-7", "open"),
            "research",
            now,
        );
        let id = id(7);
        let decide = || contracts.decide(&id, &facts, Layers::of_space(&forbids)).is_permit();
        // The first ones are made twice.
        assert!((0..100).all(|_| decide()));
        let mut permits = 0;
        let taken = allocation_counter::measure(|| {
            permits = (0..10_000).filter(|_| decide()).count();
        });
        assert_eq!((permits, taken.count_total), (10_000, 0));
    }

    #[test]
    fn a_context_that_no_policy_reads_costs_nothing() {
        use cedar_policy::{Context, Decision, Entities, Request, RestrictedExpression as Value};

        let set = |items: i64| Value::new_set((0..items).map(Value::new_long));
        let context = |size: i64| {
            let text = "x".repeat(usize::try_from(size).unwrap());
            let record =
                [("text".to_owned(), Value::new_string(text)), ("set".to_owned(), set(size))];
            let pairs = [
                ("n".to_owned(), Value::new_long(1)),
                ("large".to_owned(), Value::new_record(record).unwrap()),
                ("set".to_owned(), set(size)),
            ];
            Context::from_pairs(pairs).unwrap()
        };
        let taken = |condition: &str, size| {
            let text = format!("permit (principal, action, resource) when {{ {condition} }};");
            let engine = dataspace_policy::engine::Engine::from_cedar(
                &text.parse().unwrap(),
                &Entities::empty(),
            );
            let uid = |text: &str| text.parse().unwrap();
            let (user, read, file) = (uid("U::\"a\""), uid("Action::\"r\""), uid("F::\"f\""));
            let request = Request::new(user, read, file, context(size), None).unwrap();
            let mut decision = Decision::Deny;
            let taken = allocation_counter::measure(|| {
                decision = engine.is_authorized(&request).decision;
            });
            assert_eq!(decision, Decision::Allow, "{condition}");
            taken.bytes_total
        };
        for condition in ["true", "context.n == 1", "context has large", "context has set"] {
            let (small, large) = (taken(condition, 10), taken(condition, 20_000));
            assert!(large < 2_048 && large.abs_diff(small) < 64, "{condition}: {small}, {large}");
        }
        // What is read is taken over once, however many policies read it; texts stay where they are.
        assert!(taken("context.large.text like \"x*\"", 20_000) < 4 << 20);
        let often = vec!["context.set.contains(3)"; 100].join(" && ");
        assert!(taken(&often, 20_000) < 2 * taken("context.set.contains(3)", 20_000));
    }

    #[test]
    fn an_active_contract_takes_less_than_a_kibibyte() {
        // Few enough that their table is not mapped, but lies where allocations are counted.
        const COUNT: u32 = 6_000;
        let mut contracts = Contracts::default();
        let taken = allocation_counter::measure(|| {
            (0..COUNT).for_each(|number| contracts.activate(id(number), &text(number)).unwrap());
        });
        let each = taken.bytes_current / i64::from(COUNT);
        assert!((100..1024).contains(&each), "{each} bytes");
    }
}
