//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/csv_table.rs"]
mod csv_table;
#[cfg(test)]
#[path = "../../../fuzz/checks/duties.rs"]
mod duties;
#[cfg(test)]
#[path = "../../../fuzz/checks/parquet_table.rs"]
mod parquet_table;

#[cfg(test)]
mod replay {
    fn replay(target: &str, check: fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        let files = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
        let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path())).collect();
        assert!(inputs.len() >= 10, "a corpus of {} files", inputs.len());
        for input in inputs {
            check(&input.unwrap());
        }
    }

    #[test]
    fn the_corpus_of_csv_table_breaks_nothing() {
        replay("csv_table", super::csv_table::check);
    }

    #[test]
    fn the_corpus_of_parquet_table_breaks_nothing() {
        replay("parquet_table", super::parquet_table::check);
    }
}
