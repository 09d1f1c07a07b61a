using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Tests.WhatIf;

namespace LeadPipeline.Worker.Tests.Evaluation;

[TestFixture]
[NonParallelizable]
public sealed class When_a_dataset_is_evaluated
{
    private static readonly string Sample = Path.Combine(Repository.Root, "samples", "labelled.jsonl");

    private TempFolder folder = null!;

    [SetUp]
    public void Open() => folder = new TempFolder();

    [TearDown]
    public void Close() => folder.Dispose();

    [Test]
    public async Task Should_measure_the_sample()
    {
        var answer = await EvaluateAsync(Sample);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer["tried"]!["analyzer"]!.ToString(), Is.EqualTo("rules/1"));
            Assert.That(answer["leads"]!.GetValue<int>(), Is.EqualTo(File.ReadLines(Sample).Count()).And.GreaterThanOrEqualTo(50));
            Assert.That(answer["accuracy"]!.GetValue<double>(), Is.InRange(0.8, 0.99), "the table is good, and not made for this file");
            Assert.That(answer["rankingAuc"]!.GetValue<double>(), Is.InRange(0.9, 1));
            Assert.That(answer["decisions"]!.AsArray().Select(d => d!["expected"]!.GetValue<int>()), Has.None.EqualTo(0), "each decision is in the sample");
            Assert.That(answer["decisions"]!.AsArray().Sum(d => d!["right"]!.GetValue<int>()) / (double)answer["labelled"]!.GetValue<int>(), Is.EqualTo(answer["accuracy"]!.GetValue<double>()).Within(0.0001));
            Assert.That(answer["confusion"]!.AsArray().Sum(c => c!["leads"]!.GetValue<int>()), Is.EqualTo(answer["labelled"]!.GetValue<int>()));
            Assert.That(answer["outcomes"]!.AsArray(), Is.Not.Empty);
            Assert.That(answer["grounding"]!["REJECTED"]!.GetValue<int>(), Is.EqualTo(2), "two say to work elsewhere");
            Assert.That(answer.ToJsonString(), Does.Not.Contain("Sample1").And.Not.Contain(".example"), "nothing of the leads is in a run");
        }
    }

    [Test]
    public async Task Should_compare_with_a_run_that_was_kept()
    {
        var kept = Path.Combine(folder.Path, "run.json");
        _ = await EvaluateAsync(Sample, "--save", kept);

        var same = await EvaluateAsync(Sample, "--against", kept);
        var other = await EvaluateAsync(Sample, "--against", kept, "--policy", Path.Combine(Repository.Root, "samples", "policies", "cautious.yaml"));
        var (_, words, _) = await CommandLine.RunAsync("eval", Sample, "--against", kept, "--data", folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(same["comparison"]!["changed"]!.AsArray(), Is.Empty);
            Assert.That(other["comparison"]!["broken"]!.GetValue<int>(), Is.EqualTo(11), "the cautious policy leaves to a person whom it does not want");
            Assert.That(other["comparison"]!["changed"]!.AsArray().Select(c => c!["now"]!.ToString()), Is.All.EqualTo("REVIEW"));
            Assert.That(words, Does.Contain("ranking AUC").And.Contain("0 fixed, 0 broken"));
        }
    }

    [Test]
    public async Task Should_count_what_a_model_costs_and_who_gets_no_answer()
    {
        await using var model = await GeminiSimulator.StartAsync();
        var asked = 0;
        model.Reply = question => Interlocked.Increment(ref asked) == 3 ? GeminiSays.Blocked("SAFETY") : HonestModel.Answer(question);
        var few = Path.Combine(folder.Path, "few.jsonl");
        await File.WriteAllLinesAsync(few, File.ReadLines(Sample).Skip(20).Take(6));

        var answer = await EvaluateAsync(few, "--analyzer", "Gemini", "--Gemini:ApiKey", GeminiSimulator.ApiKey, "--Gemini:BaseUrl", model.Address.ToString(), "--Analysis:PricePerMillionInput", "1", "--Analysis:PricePerMillionOutput", "5", "--Analysis:SecondLookAbove", "100", "--Analysis:RequestsPerMinute", "0", "--Analysis:TokensPerMinute", "0");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer["tried"]!["analyzer"]!.ToString(), Is.EqualTo("gemini/1"));
            Assert.That(answer["cost"]!.GetValue<decimal>(), Is.GreaterThan(0));
            Assert.That(answer["costPerLead"]!.GetValue<decimal>(), Is.EqualTo(answer["cost"]!.GetValue<decimal>() / 6));
            Assert.That(answer["tokens"]!.GetValue<long>(), Is.GreaterThan(0));
            Assert.That(answer["grounding"]!["NO_ANSWER"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That(answer["reviews"]!["model-blocked"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That(answer["latencyMs"]!["longest"]!.GetValue<double>(), Is.GreaterThan(0));
        }
    }

    [TestCase("", "There is no lead in it.")]
    [TestCase("""{"lead":{}}""", "line 1: The document lacks \"expected\"")]
    [TestCase("""{"expected":{}}""", "line 1: \"expected\" says nothing")]
    [TestCase("""{"expected":{"decision":"CALL"}}""", "line 1: \"expected.decision\" is one of ROUTE_TO_SDR, NURTURE, IGNORE, REVIEW.")]
    [TestCase("""{"expected":{"won":"yes"}}""", "line 1: \"expected.won\" is true or false.")]
    [TestCase("""{"expected":{"win":true}}""", "line 1: \"expected\" has decision and won, and not win.")]
    [TestCase("{", "line 1: is not JSON")]
    [TestCase("""{"id":"a","expected":{"won":true}}|{"id":"a","expected":{"won":true}}""", "line 2: There is another lead with the id a.")]
    public async Task Should_refuse_a_file_that_would_give_a_wrong_measure(string lines, string words)
    {
        var file = Path.Combine(folder.Path, "bad.jsonl");
        await File.WriteAllTextAsync(file, lines.Replace('|', '\n'));

        var (exit, _, errors) = await CommandLine.RunAsync("eval", file, "--data", folder.Path);

        Assert.That((exit, errors), Is.EqualTo((2, errors)));
        Assert.That(errors, Does.Contain(words));
    }

    [Test]
    public async Task Should_refuse_a_run_to_compare_with_that_is_none()
    {
        var (exit, _, errors) = await CommandLine.RunAsync("eval", Sample, "--against", Sample, "--data", folder.Path);

        Assert.That((exit, errors.Contains("--against", StringComparison.Ordinal)), Is.EqualTo((2, true)));
    }

    private async Task<JsonNode> EvaluateAsync(string file, params string[] more)
    {
        var (exit, text, errors) = await CommandLine.RunAsync(["eval", file, "--json", "--data", folder.Path, .. more]);
        Assert.That(exit, Is.Zero, errors);
        return JsonNode.Parse(text)!;
    }
}
