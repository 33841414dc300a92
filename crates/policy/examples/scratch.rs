use dataspace_policy::*;
use dataspace_primitives::*;
use std::hint::black_box;
use std::time::Instant;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let terms = Terms::new().permit(
        Rule::new([Action::Read])
            .when(Constraint::Purpose(["research".parse()?].into()))
            .when(Constraint::Time(Validity::new(
                "2027-01-01T00:00:00Z".parse()?,
                "2028-01-01T00:00:00Z".parse()?,
            )?))
            .when(Constraint::Class(["test-results".parse()?].into())),
    );
    let text = |i: u32| {
        terms
            .to_cedar(&Scope {
                consumer: format!("did:key:z6MkfrQ9Mxv2Qz1pXzZ6eJYuxUvZ3V6y4WjqPqX{i:08}"),
                product: format!("alloys-{i}").parse().unwrap(),
            })
            .unwrap()
    };
    println!("{}", text(0));
    let did = "did:key:z6MkfrQ9Mxv2Qz1pXzZ6eJYuxUvZ3V6y4WjqPqX00000000";
    let mut c = Contracts::default();
    let t = Instant::now();
    c.activate(Digest::of(&0u32.to_le_bytes()), &text(0))?;
    println!("first {:?}", t.elapsed());
    let texts: Vec<_> = (1..10000).map(text).collect();
    let t = Instant::now();
    for (i, text) in (1u32..).zip(&texts) {
        c.activate(Digest::of(&i.to_le_bytes()), text)?;
    }
    println!("known {:?}", t.elapsed() / 9999);
    let t = Instant::now();
    for i in 0..100u32 {
        let mut c = Contracts::default();
        c.activate(Digest::of(&i.to_le_bytes()), &texts[i as usize])?;
    }
    println!("new {:?}", t.elapsed() / 100);
    let id = Digest::of(&0u32.to_le_bytes());
    let facts = Facts::new(
        (did, "DE".parse()?),
        Action::Read,
        ("alloys-0", "test-results"),
        "research",
        "2027-06-01T00:00:00Z".parse()?,
    );
    println!("{}", c.decide(&id, &facts, Layers::default()).is_permit());
    for e in c.decide(&id, &facts, Layers::default()).explain() {
        println!("{e}");
    }
    let early = Facts { now: "2026-06-01T00:00:00Z".parse()?, ..facts };
    if let Decision::Deny(d) = c.decide(&id, &early, Layers::default()) {
        println!("{d}");
    };
    for share in std::env::args().skip(1).map(|a| a.parse::<u32>().unwrap()) {
        set_shadow_share(share);
        for _ in 0..3 {
            let n = if share == 1 { 30_000 } else { 3_000_000u32 };
            let t = Instant::now();
            for _ in 0..n {
                let facts = Facts::new(
                    black_box((did, "DE".parse()?)),
                    Action::Read,
                    black_box(("alloys-0", "test-results")),
                    black_box("research"),
                    facts.now,
                );
                black_box(c.decide(black_box(&id), &facts, Layers::default()).is_permit());
            }
            println!("share {share}: {:?}", t.elapsed() / n);
        }
    }
    println!("mismatch {} of {}", shadow_mismatches(), shadow_checks());
    Ok(())
}
