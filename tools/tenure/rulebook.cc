// `tenure rulebook check|show`: a rulebook before anybody adopts it.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/json/json_edge.h"
#include "engine/rulebooks/builtin.h"
#include "tools/tenure/catalog_flag.h"
#include "tools/tenure/json_lines.h"
#include "tools/tenure/rulebook_text.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  std::string file, catalog;
  bool json = false;
};

Result<std::string> read_text(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorKind::kNotFound, "cannot read " + path + ": it is a directory");
  }
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) return fail(ErrorKind::kNotFound, "cannot read " + path);
  return text;
}

// Something wrong with a file, and its line.
struct Problem {
  size_t line;
  Nonsense nonsense;
};

// What is wrong with the text, in the order of its lines. What cannot be read as a rulebook hides
// what makes no sense in it: then it is the first such thing alone.
Result<std::vector<Problem>> problems_in(const std::string& text, const Catalog& catalog) {
  const JsonLines lines(text);
  JsonReader reader(rulebook_schema());
  const auto source = reader.read(text);
  if (!source) {
    const std::string path(reader.error_path());
    const size_t line = lines.broken_at().value_or(lines.line_of(path));
    return std::vector{Problem{line, {path, source.error().message}}};
  }
  std::vector<Problem> problems;
  for (Nonsense& each :
       Rulebook::nonsense(*flatbuffers::GetRoot<schema::Rulebook>(source->data()), catalog)) {
    const size_t line = lines.line_of(each.path);
    problems.push_back({line, std::move(each)});
  }
  std::ranges::stable_sort(problems, {}, &Problem::line);
  return problems;
}

void print(const std::string& file, const Problem& problem) {
  std::string text = file + ":" + std::to_string(problem.line);
  if (!problem.nonsense.path.empty()) text += ": " + problem.nonsense.path;
  std::printf("%s: %s\n", text.c_str(), problem.nonsense.what.c_str());
}

void print_json(const std::vector<Problem>& problems) {
  std::string out =
      problems.empty() ? R"({"sound":true,"problems":[)" : R"({"sound":false,"problems":[)";
  for (const Problem& problem : problems) {
    if (!out.ends_with('[')) out += ',';
    out += R"({"line":)" + std::to_string(problem.line) + R"(,"path":)";
    append_json_string(problem.nonsense.path, out);
    out += R"(,"problem":)";
    append_json_string(problem.nonsense.what, out);
    out += '}';
  }
  std::printf("%s]}\n", out.c_str());
}

Result<int> check(const Options& options) {
  const std::string text = TRY(read_text(options.file));
  const Catalog catalog = TRY(open_catalog(options.catalog));
  const std::vector<Problem> problems = TRY(problems_in(text, catalog));
  if (options.json) {
    print_json(problems);
  } else if (problems.empty()) {
    const auto rulebook = TRY(load_rulebook(text));
    std::printf("%s: %s makes sense\n", options.file.c_str(), rulebook->pinned_name.c_str());
  } else {
    for (const Problem& problem : problems) print(options.file, problem);
  }
  return problems.empty() ? kExitOk : kExitRefused;
}

// The text of the built-in rulebook of that name, else of that file.
Result<std::string> text_of(const std::string& name) {
  const Rulebooks builtin = TRY(builtin_rulebooks());
  const auto wanted = builtin.find(name);
  if (wanted == nullptr) {
    auto text = read_text(name);
    if (text) return text;
    return fail(ErrorKind::kNotFound, text.error().message + "; built in are " + builtin.names());
  }
  for (const char* text : builtin_rulebook_texts()) {
    if (TRY(load_rulebook(text))->pinned_name == wanted->pinned_name) return std::string(text);
  }
  return fail(ErrorKind::kNotFound, "there is no text of " + name);
}

Result<int> show(const Options& options) {
  const std::string text = TRY(text_of(options.file));
  const auto rulebook = load_rulebook(text);
  if (!rulebook) {
    std::fprintf(stderr, "tenure: %s; tenure rulebook check %s tells all\n",
                 rulebook.error().message.c_str(), options.file.c_str());
    return kExitRefused;
  }
  std::fputs(options.json ? text.c_str() : rulebook_text(**rulebook).c_str(), stdout);
  return kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  using Action = Result<int> (*)(const Options&);
  auto chosen = std::make_shared<Action>(nullptr);
  auto add = [&](const char* name, const char* summary, const char* what, Action action) {
    CLI::App* child = app.add_subcommand(name, summary);
    child->add_option("rulebook", options->file, what)->required();
    child->add_flag("--json", options->json);
    child->final_callback([chosen, action] { *chosen = action; });
    return child;
  };
  add_catalog_option(
      *add("check", "Say what makes no sense in it, with the line", "A file of JSON", check),
      options->catalog);
  add("show", "Who may do what, as tables", "The name of a built-in one, or a file of JSON", show);
  return [options, chosen] {
    Result<int> code = (*chosen)(*options);
    return code ? *code : report(code.error());
  };
}

const Subcommand kRulebook("rulebook", "The rules of roles: check and show them", configure);

}  // namespace
}  // namespace tenure
