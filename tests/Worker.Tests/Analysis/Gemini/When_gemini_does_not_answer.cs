using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>Faults of the network and the vendor: what passes, what is a limit, and what a person has to mend.</summary>
[TestFixture]
public sealed class When_gemini_does_not_answer : GeminiCase
{
    [TestCase(500)]
    [TestCase(502)]
    [TestCase(503)]
    [TestCase(504)]
    [TestCase(408)]
    public async Task Should_get_over_two_faults_in_place(int status)
    {
        Fail(2, new SimulatorFault.Refuse(status));

        Assert.That(await AskAsync(Analyzer()), Is.InstanceOf<AnalysisOutcome.Answered>());
        Assert.That(Model.Calls("generate"), Is.EqualTo(3));
    }

    [TestCase(503)]
    [TestCase(500)]
    public async Task Should_put_the_lead_off_after_the_third_fault_and_use_up_a_try(int status)
    {
        Fail(5, new SimulatorFault.Refuse(status));

        Assert.That(await AskAsync(Analyzer()), Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.Unavailable, Failed: true)).Using<AnalysisOutcome>(Same));
        Assert.That(Model.Calls("generate"), Is.EqualTo(3));
    }

    [Test]
    public async Task Should_get_over_a_connection_that_breaks_before_the_answer()
    {
        Fail(1, new SimulatorFault.ResetBefore());

        Assert.That(await AskAsync(Analyzer()), Is.InstanceOf<AnalysisOutcome.Answered>());
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(300)]
    public async Task Should_get_over_an_answer_that_is_cut_off_in_the_middle(int bytes)
    {
        Fail(1, new SimulatorFault.DropAfter(bytes));

        Assert.That(await AskAsync(Analyzer()), Is.InstanceOf<AnalysisOutcome.Answered>());
        Assert.That(Model.Calls("generate"), Is.EqualTo(2));
    }

    [Test]
    public async Task Should_give_up_an_exchange_after_its_time_and_try_again()
    {
        var never = new TaskCompletionSource();
        Fail(1, new SimulatorFault.AnswerLate(never.Task));

        var asking = AskAsync(Analyzer());
        await Eventually.ShouldAsync(() => Model.Calls("generate") == 1, "be asked");
        Time.Advance(Settings.Timeout);

        Assert.That(await asking, Is.InstanceOf<AnalysisOutcome.Answered>());
        Assert.That(Model.Calls("generate"), Is.EqualTo(2));
        never.SetResult();
    }

    [Test]
    public async Task Should_begin_no_new_try_when_patience_is_spent()
    {
        var never = new TaskCompletionSource();
        Fail(3, new SimulatorFault.AnswerLate(never.Task));

        var asking = AskAsync(Analyzer(settings: Settings with { Patience = Settings.Timeout * 1.5 }));
        for (var tries = 1; tries <= 2; tries++)
        {
            await Eventually.ShouldAsync(() => Model.Calls("generate") == tries, "be asked");
            Time.Advance(Settings.Timeout);
        }

        Assert.That(await asking, Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.Unavailable, Failed: true)).Using<AnalysisOutcome>(Same));
        never.SetResult();
    }

    [Test]
    public async Task Should_put_the_lead_off_when_nobody_listens()
    {
        var outcome = await AskAsync(Analyzer(new GeminiOptions { ApiKey = GeminiSimulator.ApiKey, BaseUrl = "http://127.0.0.1:1" }));

        Assert.That(outcome, Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.Unavailable, Failed: true)).Using<AnalysisOutcome>(Same));
    }

    [Test]
    public void Should_leave_the_lead_to_another_time_when_the_worker_stops()
    {
        var never = new TaskCompletionSource();
        Fail(1, new SimulatorFault.AnswerLate(never.Task));
        using var stop = new CancellationTokenSource();
        var analyzer = Analyzer();
        Model.Reply = asked =>
        {
            stop.Cancel();
            return HonestModel.Answer(asked);
        };

        Assert.That(async () => await analyzer.AnalyzeAsync(new AnalysisRequest(Snapshot(), new AnalysisTurn(null)), stop.Token), Throws.InstanceOf<OperationCanceledException>());
        never.SetResult();
    }

    [Test]
    public async Task Should_try_again_in_place_when_asked_to_wait_a_moment()
    {
        Fail(1, new SimulatorFault.Refuse(429, "0.001s"));

        var asking = AskAsync(Analyzer());
        await Eventually.ShouldAsync(
            () =>
            {
                // Less than an exchange's time: only the wait can come to its end.
                Time.Advance(TimeSpan.FromMilliseconds(1));
                return asking.IsCompleted;
            },
            "try again");

        Assert.That(await asking, Is.InstanceOf<AnalysisOutcome.Answered>());
    }

    [TestCase("22s", 22)]
    [TestCase("h:37", 37)]
    public async Task Should_put_the_lead_off_for_the_time_that_the_vendor_asks_for(string hint, int seconds)
    {
        Fail(1, new SimulatorFault.Refuse(429, hint));
        var analyzer = Analyzer();

        var first = await AskAsync(analyzer);
        var second = await AskAsync(analyzer);

        var expected = new AnalysisOutcome.NotNow(NotNowReasons.VendorLimit, Failed: false) { AtLeast = TimeSpan.FromSeconds(seconds) };
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo(expected).Using<AnalysisOutcome>(Same));
            Assert.That(second, Is.EqualTo(expected).Using<AnalysisOutcome>(Same), "nobody asks in the meantime");
            Assert.That(Model.Calls("generate"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_try_twice_more_and_then_pause_for_everybody_when_the_vendor_is_busy_without_a_hint()
    {
        Fail(3, new SimulatorFault.Refuse(429));
        var analyzer = Analyzer();

        var busy = await AskAsync(analyzer);
        var paused = await AskAsync(analyzer);
        Time.Advance(Settings.BusyFor);
        var after = await AskAsync(analyzer);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(busy, Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.VendorLimit, Failed: false)).Using<AnalysisOutcome>(Same));
            Assert.That(((AnalysisOutcome.NotNow)paused).AtLeast, Is.EqualTo(Settings.BusyFor));
            Assert.That(after, Is.InstanceOf<AnalysisOutcome.Answered>());
            Assert.That(Model.Calls("generate"), Is.EqualTo(4));
        }
    }

    [Test]
    public async Task Should_open_a_breaker_and_ask_nobody_until_it_closes()
    {
        Fail(10, new SimulatorFault.Refuse(503));
        var analyzer = Analyzer(settings: Settings with { Attempts = 1 }, guard: new CrmGuardSettings { MinimumThroughput = 10 });
        for (var i = 0; i < 10; i++)
            _ = await AskAsync(analyzer);

        var (found, told) = (await AskAsync(analyzer), await AskAsync(analyzer));
        Time.Advance(TimeSpan.FromSeconds(31));
        var after = await AskAsync(analyzer);

        using (Assert.EnterMultipleScope())
        {
            foreach (var outcome in (AnalysisOutcome[])[found, told])
                Assert.That(outcome, Is.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.BreakerOpen).And.Property("Failed").False);
            Assert.That(after, Is.InstanceOf<AnalysisOutcome.Answered>());
            Assert.That(Model.Calls("generate"), Is.EqualTo(11));
        }
    }

    [TestCase("wrong-key", "gemini-3.5-flash", "400 INVALID_ARGUMENT API_KEY_INVALID", "GEMINI_API_KEY")]
    [TestCase(GeminiSimulator.ApiKey, "gemini-2.0-flash", "404 NOT_FOUND", "Gemini:Model")]
    public async Task Should_hold_up_all_leads_and_use_up_no_try_when_key_or_model_are_refused(string key, string model, string code, string remedy)
    {
        var analyzer = Analyzer(new GeminiOptions { ApiKey = key, Model = model });

        var outcomes = new List<AnalysisOutcome>();
        for (var i = 0; i < 50; i++)
            outcomes.Add(await AskAsync(analyzer));
        var (well, says) = await analyzer.ProbeAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.Refused).And.Property("Failed").False);
            Assert.That(Model.Calls("generate"), Is.EqualTo(1), "one lead finds out for all");
            Assert.That(well, Is.False);
            Assert.That(says, Does.Contain(code).And.Contain(remedy).And.Not.Contain(key));
        }
    }

    [TestCase(403, "PERMISSION_DENIED", "enabled")]
    [TestCase(400, "FAILED_PRECONDITION", "billing")]
    [TestCase(401, "UNAUTHENTICATED", "GEMINI_API_KEY")]
    [TestCase(302, "FOUND", "Gemini:BaseUrl")]
    public async Task Should_say_what_to_mend(int status, string code, string remedy)
    {
        Fail(1, new SimulatorFault.Refuse(status, code));
        Model.Faults.FailNext("count", new SimulatorFault.Refuse(status, code));

        var analyzer = Analyzer();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(analyzer), Is.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.Refused));
            Assert.That((await analyzer.ProbeAsync(CancellationToken.None)).Says, Does.Contain(code).And.Contain(remedy));
        }
    }

    [Test]
    public async Task Should_let_one_lead_find_out_whether_it_was_mended()
    {
        var analyzer = Analyzer();
        Fail(1, new SimulatorFault.Refuse(403));
        _ = await AskAsync(analyzer);
        Time.Advance(Settings.RefusedFor);

        var first = await analyzer.EnterAsync(null, CancellationToken.None);
        var second = await analyzer.EnterAsync(null, CancellationToken.None);
        var found = await analyzer.AnalyzeAsync(new AnalysisRequest(Snapshot(), first), CancellationToken.None);
        var third = await analyzer.EnterAsync(null, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.NotNow, second.NotNow?.Reason, third.NotNow), Is.EqualTo(((AnalysisOutcome.NotNow?)null, NotNowReasons.Refused, (AnalysisOutcome.NotNow?)null)));
            Assert.That(found, Is.InstanceOf<AnalysisOutcome.Answered>());
        }
    }

    [Test]
    public async Task Should_hold_up_nobody_else_when_one_request_is_refused()
    {
        var analyzer = Analyzer();
        Fail(1, new SimulatorFault.Refuse(400, "INVALID_ARGUMENT"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(analyzer), Is.EqualTo(new AnalysisOutcome.NotNow(NotNowReasons.RequestRefused, Failed: true)).Using<AnalysisOutcome>(Same));
            Assert.That(await AskAsync(analyzer), Is.InstanceOf<AnalysisOutcome.Answered>());
        }
    }

    [Test]
    public async Task Should_hold_up_all_leads_when_google_gives_out_no_token()
    {
        var stranger = GoogleIdentity.Load(Folder.Write("stranger.json", Model.CredentialsFile(isKnown: false)));
        var analyzer = Analyzer(new GeminiOptions { Project = GeminiSimulator.Project }, credentials: stranger);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(analyzer), Is.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.Refused).And.Property("Failed").False);
            Assert.That(Model.Calls("generate"), Is.Zero);
            Assert.That((await analyzer.ProbeAsync(CancellationToken.None)).Says, Does.Contain("GOOGLE_APPLICATION_CREDENTIALS"));
        }
    }

    [Test]
    public async Task Should_hold_up_all_leads_when_the_project_may_not_use_the_model()
    {
        var identity = GoogleIdentity.Load(Folder.Write("account.json", Model.CredentialsFile()));
        var analyzer = Analyzer(new GeminiOptions { Project = "another-project" }, credentials: identity);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AskAsync(analyzer), Is.InstanceOf<AnalysisOutcome.NotNow>().With.Property("Reason").EqualTo(NotNowReasons.Refused));
            Assert.That((await analyzer.ProbeAsync(CancellationToken.None)).Says, Does.Contain("roles/aiplatform.user"));
        }
    }

    private void Fail(int times, SimulatorFault fault)
    {
        for (var i = 0; i < times; i++)
            Model.Faults.FailNext("generate", fault);
    }

    /// <summary>But for what the model was asked, which other tests look at.</summary>
    internal static bool Same(AnalysisOutcome one, AnalysisOutcome other) => (one with { Call = null }).Equals(other with { Call = null });
}
