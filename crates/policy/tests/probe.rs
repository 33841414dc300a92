#![cfg(test)]
#![allow(clippy::all, clippy::pedantic)]
use dataspace_policy::*;
use std::time::Instant;
fn facts() -> Facts { Facts{participant:"did:x".into(),roles:["consumer".parse().unwrap()].into(),region:"DE".parse().unwrap(),product:"p".parse().unwrap(),product_class:"open".parse().unwrap(),action:Action::Read,purpose:"research".parse().unwrap(),now:"2026-06-01T00:00:00Z".parse().unwrap(),uses:0}}
fn permit(cond:&str)->String{format!("@id(\"a\") permit(principal,action,resource) when {{ {cond} }};")}
#[test]
fn probe(){
  let mut cases:Vec<(&str,String)>=vec![];
  let and=|n:usize|vec!["true";n].join("&&");
  cases.push(("and180",permit(&and(184))));
  let r=vec!["context.uses>=0";90].join("&&");
  cases.push(("and90cmp",permit(&r)));
  cases.push(("and184or",permit(&vec!["context.uses>=0";70].join("||"))));
  cases.push(("plus",permit(&format!("{}>0",vec!["1";370].join("+")))));
  cases.push(("minus",permit(&format!("{}>0",vec!["1";370].join("-")))));
  cases.push(("mul",permit(&format!("{}>0",vec!["1";370].join("*")))));
  cases.push(("paren23",permit(&format!("{}true{}","(".repeat(22),")".repeat(22)))));
  cases.push(("paren not",permit(&format!("{}true{}","!!(".repeat(22),")".repeat(22)))));
  cases.push(("paren22 and",permit(&format!("{}{}{}","true&&!(".repeat(22),and(150),")".repeat(22)))));
  cases.push(("paren22 right and",permit(&format!("{}{}{}","(true&&".repeat(22),and(150),")".repeat(22)))));
  let n=(32768-100)/2; cases.push(("set1",permit(&format!("[{}].contains(1)",vec!["1";n].join(",")))));
  let mut s=String::new(); let mut i=10000; while s.len()<32000{ if !s.is_empty(){s.push(',');} s+=&i.to_string(); i+=1;} 
  cases.push(("set distinct",permit(&format!("[{s}].contains(context.uses)"))));
  let mut s2=String::new(); i=1000; while s2.len()<15900{ if !s2.is_empty(){s2.push(',');} s2+=&i.to_string(); i+=1;}
  cases.push(("set all",permit(&format!("[{s2}].containsAll([{s2}])"))));
  cases.push(("set nested",permit(&format!("[{}].contains([context.uses])",vec!["[context.uses]";2000].join(",")))));
  cases.push(("like",permit(&format!("\"{}\" like \"*{}b\"","a".repeat(21000),"a".repeat(10500)))));
  cases.push(("like purpose",permit(&format!("context.purpose like \"{}b\"","*a".repeat(16000)))));
  cases.push(("str eq",permit(&format!("\"{}\" == \"{}\"","a".repeat(16000),"a".repeat(16000)))));
  cases.push(("if16",permit(&format!("{}true","if context.uses>=0 then true else ".repeat(16)))));
  cases.push(("if16 cond",permit(&format!("{}true{}","if (".repeat(16),") then true else false".repeat(16)))));
  cases.push(("long member",permit(&format!("context{}",".a".repeat(370)))));
  cases.push(("has chain",permit(&format!("principal has a{}",".a".repeat(370)))));
  cases.push(("has chain2",permit(&format!("principal has region{}",".a".repeat(370)))));
  cases.push(("has many",permit(&vec!["principal has region";180].join("&&"))));
  cases.push(("has anded",permit(&["context has a.b.c.d.e.f.g.h";30].join("||"))));
  cases.push(("contains chain",permit(&format!("{}", vec!["[1].contains(1)";180].join("&&")))));
  cases.push(("isEmpty",permit(&format!("principal.roles{}",".isEmpty()".repeat(180)))));
  cases.push(("datetime",permit(&vec!["datetime(\"2026-01-01\")<context.now";180].join("&&"))));
  cases.push(("decimal",permit(&vec!["decimal(\"1.0\").lessThan(decimal(\"2.0\"))";180].join("&&"))));
  cases.push(("record",permit(&format!("{}1{} == 1","{a:".repeat(22),"}".repeat(22)))));
  let mut rec=String::new(); for k in 0..190{ rec+=&format!("a{k}:1,");} rec.pop();
  cases.push(("record wide",permit(&format!("{{{rec}}}.a1==1"))));
  cases.push(("when many",format!("@id(\"a\")permit(principal,action,resource){};","when{true}".repeat(380))));
  cases.push(("unless many",format!("@id(\"a\")permit(principal,action,resource){};","unless{false}".repeat(380))));
  let mut many=String::new(); for k in 0..128{many+=&format!("@id(\"{k}\")permit(principal,action,resource)when{{{}}};\n",vec!["context.uses>=0";11].join("&&"));}
  cases.push(("128pol",many));
  let mut many=String::new(); for k in 0..28{many+=&format!("@id(\"{k}\")permit(principal,action,resource)when{{{}}};\n",vec!["true";183].join("&&"));}
  cases.push(("28 and",many));
  let mut many=String::new(); for k in 0..60{many+=&format!("@id(\"{k}\")permit(principal,action,resource)when{{{}}};\n",vec!["datetime(\"2026-01-01\")<context.now";12].join("&&"));}
  cases.push(("60x dt",many));
  cases.push(("action in",format!("@id(\"a\")permit(principal,action in [{}],resource);",vec!["A::\"read\"";1000].join(","))));
  cases.push(("action in2",format!("@id(\"a\")permit(principal,action in [{}],resource);",vec!["Dataspace::Action::\"read\"";90].join(","))));
  cases.push(("in set",permit(&format!("action in [{}]",vec!["Dataspace::Action::\"read\"";90].join(",")))));
  cases.push(("cr bypass parens",format!("//\r{}", permit(&format!("{}true{}","(".repeat(16000),")".repeat(16000))))));
  cases.push(("cr bypass ands",format!("//\r{}", permit(&and(5000)))));
  cases.push(("cr policies",format!("//\r{}", "permit(principal,action,resource);".repeat(900))));
  cases.push(("annots",format!("{}permit(principal,action,resource);",(0..380).map(|k|format!("@a{k}(\"\")")).collect::<String>())));
  cases.push(("err long", permit(&format!("[{}].contains(1)",vec!["a";n].join(",")))));
  cases.push(("illtyped set", permit(&format!("[{}].contains(1)",vec!["true,1";4000].join(",")))));
  cases.push(("illtyped 2", permit(&vec!["1==true";150].join("&&"))));
  cases.push(("parse err", permit(&"1 2 3 4 ".repeat(4000))));
  cases.push(("parse err;", "@id(\"a\")permit(principal,action,resource)when{1 2};\n".repeat(128)));
  cases.push(("impossible", permit("false")));
  cases.push(("emptyset", permit("[]==[]")));
  cases.push(("bidi", permit("context.purpose == \"a\u{202e}b\" // \u{202e}")));
  cases.push(("bsnl", permit(&format!("\"\\\n{}", "(".repeat(16000)))));
  cases.push(("like64", permit(&vec![format!("\"{}\"like\"*{}b\"","a".repeat(510),"a".repeat(255));41].join("||"))));
  cases.push(("set6k",permit(&format!("[{}].contains(1)",vec!["1";6000].join(",")))));
  cases.push(("uses i", permit("1in [2]")));
  let only=std::env::var("ONLY").ok();
  for (n,t) in cases{ if let Some(o)=&only{ if n!=o {continue} }
    std::fs::write("/tmp/probe.last",n).unwrap();
    let h=std::thread::Builder::new().stack_size(2<<20).spawn(move||{
      let t0=Instant::now(); let p=Program::new(&t,Terms::new()); let t1=t0.elapsed();
      let (res,t2)=match p {Err(e)=>{let m=e.to_string();(format!("ERR {} {}",m.len(),m.chars().take(110).collect::<String>().replace('\n',"|")),t0.elapsed())}, Ok(p)=>{let t0=Instant::now(); let d=p.decide(&facts(),&Policies::none()); (format!("{d:?}").chars().take(100).collect(),t0.elapsed())}};
      println!("{n:18} len {:5} new {:?} decide {:?} {res}",t.len(),t1,t2);
    }).unwrap(); let _=h.join();
  }
}
