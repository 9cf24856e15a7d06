// Every sentence of the source documents that states a rule, and the cases and tables that show it.
//
// conformance/sentences.json: `sentences`, each with its `seed`, the `sentence` in short, and
// `cases` and `tables` by name, or `outside`: why the engine has nothing to show for it. A case
// that needs commands not there yet is named under `awaited`; its sentences fail on the page until
// it is there. Once all tests have run, the page conformance.md says of each sentence whether it
// holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "tests/cases/case_runner.h"
#include "tests/cases/json_access.h"
#include "tests/cases/role_table.h"

namespace tenure {
namespace {

// A document that lives as long as its parser.
class Sentences {
 public:
  Sentences() : root_(parser_.load(TENURE_CASES "/conformance/sentences.json")) {}
  simdjson::dom::array all() const { return array_at(root_, "sentences"); }
  simdjson::dom::array awaited() const { return array_at(root_, "awaited"); }

 private:
  simdjson::dom::parser parser_;
  JsonElement root_;
};

std::string name_of(std::string_view case_name) {
  return std::string(case_name.substr(0, case_name.find(':')));
}

std::set<std::string> case_names() {
  std::set<std::string> names;
  const std::vector<Case> cases = load_cases(TENURE_CASES).value();
  for (const Case& each : cases) names.insert(name_of(each.name));
  return names;
}

std::vector<std::string> listed(const JsonElement& sentence, std::string_view what) {
  std::vector<std::string> names;
  if (!has(sentence, what)) return names;
  for (const JsonElement name : array_at(sentence, what)) {
    names.emplace_back(std::string_view(name));
  }
  return names;
}

TEST(Conformance, EverySentenceNamesWhatShowsItOrWhyNothingDoes) {
  const Sentences sentences;
  for (const JsonElement sentence : sentences.all()) {
    const bool shown = !listed(sentence, "cases").empty() || !listed(sentence, "tables").empty();
    EXPECT_NE(shown, !string_at(sentence, "outside").empty()) << json_text(sentence);
  }
}

TEST(Conformance, EveryCaseAndTableNamedIsThereOrAwaited) {
  const Sentences sentences;
  const std::set<std::string> cases = case_names();
  const std::vector<std::string> tables = table_names();
  std::set<std::string> missing, awaited;
  for (const JsonElement sentence : sentences.all()) {
    for (const std::string& name : listed(sentence, "cases")) {
      if (!cases.contains(name)) missing.insert(name);
    }
    for (const std::string& name : listed(sentence, "tables")) {
      EXPECT_NE(std::ranges::find(tables, name), tables.end()) << json_text(sentence);
    }
  }
  for (const JsonElement name : sentences.awaited()) awaited.emplace(std::string_view(name));
  EXPECT_EQ(missing, awaited) << "a case that is there now is awaited no longer";
}

// What became of the tests of this run, by the name of their case or table.
class Outcomes {
 public:
  Outcomes() {
    const testing::UnitTest& run = *testing::UnitTest::GetInstance();
    for (int i = 0; i < run.total_test_suite_count(); ++i) {
      const testing::TestSuite& suite = *run.GetTestSuite(i);
      const bool cases = std::string_view(suite.name()).ends_with("/AcceptanceCase");
      const bool tables = std::string_view(suite.name()).ends_with("/RoleTable");
      for (int j = 0; (cases || tables) && j < suite.total_test_count(); ++j) {
        add(cases ? "case " : "table ", *suite.GetTestInfo(j));
      }
    }
  }

  // "pass", "FAIL", or that there is no such test yet.
  std::string of(const std::string& kind_and_name) const {
    const auto found = passed_.find(kind_and_name);
    if (found == passed_.end()) return "FAIL: not there yet";
    return found->second ? "pass" : "FAIL";
  }

  // Steps that need a server, and so were not run here: "0" if there are none.
  std::string skipped(const std::string& kind_and_name) const {
    const auto found = skipped_.find(kind_and_name);
    return found == skipped_.end() ? "0" : found->second;
  }

 private:
  void add(const std::string& kind, const testing::TestInfo& test) {
    std::string name = name_of(test.value_param());
    std::erase(name, '"');
    const testing::TestResult& result = *test.result();
    bool& passed = passed_.try_emplace(kind + name, true).first->second;
    passed = passed && result.Passed();
    for (int i = 0; i < result.test_property_count(); ++i) {
      skipped_.insert_or_assign(kind + name, result.GetTestProperty(i).value());
    }
  }

  std::map<std::string, bool> passed_;
  std::map<std::string, std::string> skipped_;
};

// The sentence's verdict, and what it rests on: "case 6: pass, table space: pass".
struct Verdict {
  std::string word, because;
};

Verdict verdict_on(const JsonElement& sentence, const Outcomes& outcomes) {
  const std::string_view outside = string_at(sentence, "outside");
  if (!outside.empty()) return {"outside", std::string(outside)};
  Verdict verdict{"pass", ""};
  for (const auto& [list, kind] : {std::pair("tables", "table "), std::pair("cases", "case ")}) {
    for (const std::string& name : listed(sentence, list)) {
      const std::string outcome = outcomes.of(kind + name);
      if (outcome != "pass") verdict.word = "**FAIL**";
      verdict.because += (verdict.because.empty() ? "" : ", ") + (kind + name);
      if (outcome != "pass") verdict.because += " (" + outcome + ")";
      const std::string skipped = outcomes.skipped(kind + name);
      if (skipped != "0") verdict.because += " (" + skipped + " steps: served alone)";
    }
  }
  return verdict;
}

// Writes the page once every test has run; a run of some of them says nothing about the whole.
class ConformancePage final : public testing::Environment {
 public:
  void TearDown() override {
    const testing::UnitTest& run = *testing::UnitTest::GetInstance();
    if (run.test_to_run_count() != run.total_test_count()) return;
    const Sentences sentences;
    const Outcomes outcomes;
    std::map<std::string, int> counts;
    std::string body, seed;
    for (const JsonElement sentence : sentences.all()) {
      if (seed != string_at(sentence, "seed")) {
        seed = string_at(sentence, "seed");
        body += "\n## " + seed + "\n\n| | sentence | shown by |\n| --- | --- | --- |\n";
      }
      const Verdict verdict = verdict_on(sentence, outcomes);
      ++counts[verdict.word];
      body += "| " + verdict.word + " | " + std::string(string_at(sentence, "sentence")) + " | " +
              verdict.because + " |\n";
    }
    const std::string sum = std::to_string(counts["pass"]) + " pass, " +
                            std::to_string(counts["**FAIL**"]) + " fail, " +
                            std::to_string(counts["outside"]) + " are outside";
    std::ofstream page(TENURE_CONFORMANCE_PAGE);
    page
        << "# Conformance\n\nThe sentences of the source documents that state a rule, each with "
           "what shows it: "
        << sum
        << ". Run on the domain; steps that are served alone are run by the tests cases_served and "
           "cases_kafka.\n"
        << body;
    page.close();
    EXPECT_TRUE(page.good()) << "cannot write " << TENURE_CONFORMANCE_PAGE;
    std::cout << "conformance: " << sum << ": " << TENURE_CONFORMANCE_PAGE << "\n";
  }
};

[[maybe_unused]] const testing::Environment* const kConformancePage =
    testing::AddGlobalTestEnvironment(new ConformancePage);

}  // namespace
}  // namespace tenure
