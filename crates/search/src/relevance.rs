//! Measures relevance: runs judged searches over the demo catalogue and compares the ranking with the judgements.
//!
//! `relevance/judgements.jsonl` has one search per line. Its grades are conditions on products (category, brand, attributes,
//! words of the title): exactly what is searched for (3), good (2) or related (1). So every product is judged, not only
//! those that some ranking once returned. The judgements were written by reading the catalogue.
//!
//! The measure is nDCG at 10 (Järvelin and Kekäläinen 2002) with gains `2^grade - 1`. It is 1 when the first ten hits are the
//! best ones in the best order. Variants of a group are one hit with the grade of the variant shown.

mod judgement;
mod products;

use products::{JudgedProduct, read_products};

use crate::{
    Error,
    domain::{
        query::Request,
        text::{Analyzer, Language},
    },
    find::{Budget, Finder, Page},
    index::{IndexManager, Tree, View},
    store::{Batch, Document, IndexPosition, Progress},
};
use contracts::{
    ids::{ProductId, Uuid},
    money::Currency,
    search::Sort,
};
use judgement::Judgement;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

/// The judged searches.
const JUDGEMENTS: &str = include_str!("../relevance/judgements.jsonl");
/// The number of hits that count.
const DEPTH: usize = 10;

/// The result of all searches.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub searches: Vec<JudgedSearch>,
}

/// The result of one search.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedSearch {
    pub text: String,
    /// What the search tests: words, spelling, SKUs and so on.
    pub kind: String,
    /// nDCG at 10, from 0 to 1.
    pub score: f64,
    /// The SKUs and grades of the first hits.
    pub shown: Vec<(String, u8)>,
}

impl Report {
    /// Returns the mean over all searches.
    #[must_use]
    pub fn score(&self) -> f64 {
        mean(self.searches.iter().map(|judged| judged.score))
    }

    /// Returns the mean and the number of searches of each kind.
    #[must_use]
    pub fn by_kind(&self) -> BTreeMap<&str, (f64, usize)> {
        let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for judged in &self.searches {
            kinds.entry(&judged.kind).or_default().push(judged.score);
        }
        kinds.into_iter().map(|(kind, scores)| (kind, (mean(scores.iter().copied()), scores.len()))).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for JudgedSearch { text, kind, score, shown } in &self.searches {
            let grades: Vec<String> = shown.iter().map(|(_, grade)| grade.to_string()).collect();
            writeln!(f, "{score:.3}  {kind:<10} {text:<32} {}", grades.join(" "))?;
        }
        writeln!(f)?;
        for (kind, (score, count)) in self.by_kind() {
            writeln!(f, "{score:.3}  {kind} ({count})")?;
        }
        write!(f, "\nnDCG@{DEPTH} {:.3} over {} searches", self.score(), self.searches.len())
    }
}

fn mean(scores: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = scores.fold((0.0, 0.0), |(sum, count), score| (sum + score, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}

/// Measures the ranking. `products` and `categories` are the contents of the catalogue's `products.jsonl` and
/// `categories.json`. A temporary index is made in `folder` and removed afterwards. It takes some seconds.
///
/// # Errors
/// When the catalogue or a judgement has another format, or the folder cannot be used.
pub fn relevance(folder: &Path, products: &str, categories: &str) -> Result<Report, Error> {
    let products = read_products(products, categories)?;
    let judgements = judgement::read(JUDGEMENTS)?;
    let view = index(&folder.join("relevance"), &products)?;
    let mut finder = Finder::new(Analyzer::new(Language::ENGLISH), Currency::EUR);
    let searches = judgements.iter().map(|judgement| judge(&mut finder, &view, judgement, &products)).collect::<Result<_, _>>()?;
    drop(view);
    std::fs::remove_dir_all(folder.join("relevance"))?;
    Ok(Report { searches })
}

/// Makes an index of these products.
fn index(folder: &Path, products: &[JudgedProduct]) -> Result<std::sync::Arc<View>, Error> {
    let changes = i64::try_from(products.len()).unwrap_or(i64::MAX);
    let progress = Progress { lineage: Uuid::nil(), changes, tree_change: 0, generation: 1 };
    let manager = IndexManager::open(folder, Language::ENGLISH, 50 << 20, progress)?;
    manager.set_tree(Tree::default(), 0)?;
    let documents = (1..).zip(products).map(|(change, JudgedProduct { product, .. })| Document {
        product_id: product.product_id,
        change,
        product: Some(product.clone()),
        in_stock: true,
        stock_known: true,
        rating_average: 0,
        rating_count: 0,
    });
    manager.build(Batch { documents: documents.collect(), reached: IndexPosition::default() }, true)?;
    manager.view()
}

fn judge(finder: &mut Finder, view: &View, judgement: &Judgement, products: &[JudgedProduct]) -> Result<JudgedSearch, Error> {
    let grades: HashMap<ProductId, u8> = products.iter().map(|judged| (judged.product.product_id, judgement.grade(judged))).collect();
    let request = Request { text: Some(judgement.query.clone()), filters: Vec::new(), sort: Sort::Relevance };
    let results = finder.search(view, &request, Page { limit: DEPTH, after: None }, Budget::until(|| false))?.results;
    let grade = |id: ProductId| grades.get(&id).copied().unwrap_or_default();
    let shown: Vec<(String, u8)> = results.items.into_iter().map(|hit| (hit.sku, grade(hit.product_id))).collect();
    let best = best_grades(products, &grades);
    if best.first().is_none_or(|best| *best == 0) {
        return Err(Error::Judgement(format!("no product of the catalogue is relevant for “{}”", judgement.query)));
    }
    let gained = gain(shown.iter().map(|(_, grade)| *grade));
    let score = gained / gain(best.into_iter());
    Ok(JudgedSearch { text: judgement.query.clone(), kind: judgement.kind.clone(), score, shown })
}

/// Returns the grades of the ideal ranking. Each product group counts with its best variant.
fn best_grades(products: &[JudgedProduct], grades: &HashMap<ProductId, u8>) -> Vec<u8> {
    let mut groups: HashMap<Uuid, u8> = HashMap::new();
    for JudgedProduct { product, .. } in products {
        let group = product.product_group_id.map_or(product.product_id.0, |group| group.0);
        let best = groups.entry(group).or_default();
        *best = (*best).max(grades[&product.product_id]);
    }
    let mut best: Vec<u8> = groups.into_values().collect();
    best.sort_unstable_by(|one, other| other.cmp(one));
    best.truncate(DEPTH);
    best
}

/// Returns the discounted cumulative gain.
fn gain(grades: impl Iterator<Item = u8>) -> f64 {
    grades.zip(2_u32..).map(|(grade, place)| f64::from(2_u32.pow(u32::from(grade)) - 1) / f64::from(place).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::testing::TempFolder;

    /// A little below the score in docs/search.md, so that a change may cost one search a little.
    const MIN_SCORE: f64 = 0.91;

    pub(super) fn catalogue(file: &str) -> String {
        let path = format!("{}/../../demo/catalogue/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn the_ranking_reaches_the_minimum_score() {
        let folder = TempFolder::new();
        let report = relevance(folder.path(), &catalogue("products.jsonl"), &catalogue("categories.json")).unwrap();
        println!("{report}");
        assert!(report.searches.len() >= 60);
        assert!(report.score() >= MIN_SCORE, "{report}");
    }

    #[test]
    fn the_measure_is_one_only_for_the_best_order() {
        let ndcg = |grades: [u8; 4]| gain(grades.into_iter()) / gain([3, 2, 1, 0].into_iter());
        assert!((ndcg([3, 2, 1, 0]) - 1.0).abs() < 1e-9);
        assert!(ndcg([2, 3, 1, 0]) < 1.0 && ndcg([2, 3, 1, 0]) > ndcg([0, 1, 2, 3]));
        assert!(ndcg([0, 0, 0, 0]).abs() < 1e-9);
        // 7/log2(2) + 3/log2(3) + 1/log2(4)
        assert!((gain([3, 2, 1].into_iter()) - (7.0 + 3.0 / 3_f64.log2() + 0.5)).abs() < 1e-9);
    }
}
