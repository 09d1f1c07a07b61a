using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>Our own limits of requests and tokens, which all workers share.</summary>
[TestFixture]
public sealed class When_gemini_is_limited : GeminiCase
{
    [Test]
    public async Task Should_ask_no_more_often_than_allowed_over_two_workers()
    {
        var (one, two) = (Analyzer(requests: 5), Analyzer(requests: 5));

        var outcomes = new List<AnalysisOutcome>();
        for (var i = 0; i < 12; i++)
            outcomes.Add(await AskAsync(i % 2 == 0 ? one : two));
        var waiting = outcomes.OfType<AnalysisOutcome.NotNow>().ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Model.Calls("generate"), Is.EqualTo(5));
            Assert.That(waiting, Has.Count.EqualTo(7));
            Assert.That(waiting, Is.All.With.Property("Reason").EqualTo(NotNowReasons.OurLimit).And.Property("Failed").False);
            Assert.That(waiting.Select(w => w.Until), Is.Unique, "everybody has a time of his own");
        }
    }

    [Test]
    public async Task Should_let_a_lead_in_at_the_time_that_it_was_told()
    {
        var analyzer = Analyzer(requests: 1);
        _ = await AskAsync(analyzer);
        var wait = (AnalysisOutcome.NotNow)await AskAsync(analyzer);
        Time.Advance(wait.Until!.Value - Time.GetUtcNow());

        var newcomer = await analyzer.EnterAsync(null, CancellationToken.None);
        var returning = await AskAsync(analyzer, deferredFor: wait.Reason);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(returning, Is.InstanceOf<AnalysisOutcome.Answered>().Or.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.OurLimit));
            Assert.That(newcomer.NotNow is null, Is.Not.EqualTo(returning is AnalysisOutcome.Answered), "one of them");
        }
    }

    [Test]
    public async Task Should_count_the_tokens_that_were_really_used()
    {
        // Each answer takes 1250 tokens; before the first one is known, 3000 are guessed.
        var analyzer = Analyzer(tokens: 3000);

        var outcomes = new List<AnalysisOutcome>();
        for (var i = 0; i < 3; i++)
            outcomes.Add(await AskAsync(analyzer));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.InstanceOf<AnalysisOutcome.Answered>());
            Assert.That(outcomes[1], Is.InstanceOf<AnalysisOutcome.NotNow>(), "1750 are left and more are guessed");
            Assert.That(new ModelLimits(Limiter, "x", 0, 0).Typical, Is.EqualTo(ModelLimits.FirstGuess));
        }
    }

    [Test]
    public async Task Should_give_back_what_a_refusal_did_not_use()
    {
        var analyzer = Analyzer(tokens: 3000);
        Model.Faults.FailNext("generate", new TestKit.Simulators.SimulatorFault.Refuse(400, "INVALID_ARGUMENT"));
        _ = await AskAsync(analyzer);

        Assert.That(await AskAsync(analyzer), Is.InstanceOf<AnalysisOutcome.Answered>());
    }

    [Test]
    public async Task Should_count_each_try_and_each_asking_again_as_a_request()
    {
        Model.Faults.FailNext("generate", new TestKit.Simulators.SimulatorFault.Refuse(503));
        Model.Reply = asked => asked.IsAgain ? HonestModel.Answer(asked) : GeminiSays.Text("no");
        var analyzer = Analyzer(requests: 4);

        _ = await AskAsync(analyzer);
        var second = await AskAsync(analyzer);
        var third = await AskAsync(analyzer);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second, Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.AskAgain, Failed: true)).Using<AnalysisOutcome>((a, b) => ((AnalysisOutcome.NotNow)a).Reason == ((AnalysisOutcome.NotNow)b).Reason));
            Assert.That(third, Is.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.OurLimit));
            Assert.That(Model.Calls("generate"), Is.EqualTo(4));
        }
    }

    [Test]
    public async Task Should_ask_only_once_more_when_the_asking_again_had_to_wait()
    {
        Model.Reply = _ => GeminiSays.Text("no");

        Assert.That(await AskAsync(Analyzer(), deferredFor: NotNowReasons.AskAgain), Is.InstanceOf<AnalysisOutcome.Unusable>());
        Assert.That(Model.Asked.Select(a => a.IsAgain), Is.EqualTo(new[] { true }));
    }

    [Test]
    public async Task Should_never_refuse_a_lead_for_good_because_it_takes_more_than_the_limit()
    {
        Assert.That(await AskAsync(Analyzer(tokens: 10)), Is.InstanceOf<AnalysisOutcome.Answered>());
    }
}
