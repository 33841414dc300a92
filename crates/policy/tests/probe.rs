#![cfg(test)]
use dataspace_policy::*;
#[test]
fn p() {
    for k in ["[\"a\"]", "()", "[1]"] {
        let t = format!(
            "@id(\"p\") permit(principal,action,resource) when {{ context{} == 1 }};",
            k.repeat(32000 / k.len())
        );
        let t0 = std::time::Instant::now();
        eprintln!("start {k}");
        let r = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || {
                Policies::parse(&t, Layer::Contract)
                    .map(|_| ())
                    .map_err(|e| e.to_string().chars().take(80).collect::<String>())
            })
            .unwrap()
            .join();
        eprintln!("{k} {:?} {:?}", t0.elapsed(), r);
    }
}
