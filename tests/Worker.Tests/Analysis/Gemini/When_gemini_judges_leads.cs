using System.Text.Json.Nodes;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>Through the whole pipeline: what becomes of leads, and what is kept of the model's part in it.</summary>
[TestFixture]
public sealed class When_gemini_judges_leads
{
    private GeminiSimulator model = null!;

    [SetUp]
    public async Task StartAsync() => model = await GeminiSimulator.StartAsync();

    [TearDown]
    public async Task StopAsync() => await model.DisposeAsync();

    [Test]
    public async Task Should_work_a_good_lead_into_the_crm_and_keep_how_the_model_was_asked()
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model);

        var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")))).Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((lead["status"]!.ToString(), lead["grounding"]!.ToString(), lead["analyzer"]!.ToString()), Is.EqualTo(("Completed", "VALID", "gemini/1")));
            Assert.That(lead["model"]!["modelVersion"]!.ToString(), Is.EqualTo(GeminiSays.Version));
            Assert.That(lead["model"]!["finishReason"]!.ToString(), Is.EqualTo("STOP"));
            Assert.That(lead["model"]!["promptHash"]!.ToString(), Has.Length.EqualTo(64));
            Assert.That(lead["model"]!["usage"]!["costDollars"]!.GetValue<decimal>(), Is.EqualTo(0.00125m));
            Assert.That(lead["model"]!["reused"]!.GetValue<bool>(), Is.False);
        }
    }

    [Test]
    public async Task Should_leave_a_blocked_lead_to_a_person_after_one_question()
    {
        model.Reply = _ => GeminiSays.Blocked("PROHIBITED_CONTENT");
        await using var pipeline = await GeminiPipeline.StartAsync(model);

        var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")))).Single();
        var audit = await pipeline.Get<LeadQueries>().AuditAsync(Guid.Parse(lead["leadId"]!.ToString()), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((lead["status"]!.ToString(), lead["reason"]!.ToString()), Is.EqualTo(("NeedsReview", "model-blocked")));
            Assert.That(audit!.Single(a => a.Kind == "blocked").Payload.ToString(), Does.Contain("PROHIBITED_CONTENT"));
            Assert.That(model.Calls("generate"), Is.EqualTo(1));
            Assert.That(await pipeline.TextsAsync("SELECT id FROM crm_leads WHERE effect_key IS NOT NULL"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_leave_a_lead_to_a_person_when_two_answers_are_no_json()
    {
        model.Reply = _ => GeminiSays.Text("```json\n{}\n```");
        await using var pipeline = await GeminiPipeline.StartAsync(model);

        var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")))).Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((lead["status"]!.ToString(), lead["reason"]!.ToString()), Is.EqualTo(("NeedsReview", "model-unusable")));
            Assert.That(lead["model"]!["usage"]!["costDollars"]!.GetValue<decimal>(), Is.EqualTo(0.0025m), "both answers are paid for");
        }
    }

    [Test]
    public async Task Should_reject_an_object_of_another_shape()
    {
        model.Reply = _ => GeminiSays.Text("{\"score\": 100, \"reasons\": null}");
        await using var pipeline = await GeminiPipeline.StartAsync(model);

        var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")))).Single();

        Assert.That((lead["status"]!.ToString(), lead["reason"]!.ToString(), model.Calls("generate")), Is.EqualTo(("Rejected", "grounding:G1", 1)));
    }

    [Test]
    public async Task Should_hold_up_many_leads_for_a_wrong_key_and_lose_none()
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Gemini:ApiKey", "wrong-key"));

        var ids = new List<Guid>();
        for (var i = 0; i < 30; i++)
            ids.Add(await pipeline.SubmitAsync(ALead($"person{i}@acme.com")));
        foreach (var id in ids)
            Assert.That((await pipeline.DeferredAsync(id))["reason"]!.ToString(), Is.EqualTo("model-refused"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await pipeline.TextsAsync("SELECT CAST(failures AS TEXT) FROM leads"), Is.All.EqualTo("0"), "no try is used up");
            Assert.That(await pipeline.TextsAsync("SELECT reason FROM dead_letters"), Is.Empty);
            Assert.That(pipeline.Logs.Text.Split('\n').Count(l => l.StartsWith("210 Error", StringComparison.Ordinal)), Is.EqualTo(1), "said once, and loudly");
            Assert.That(pipeline.Logs.Text, Does.Contain("GEMINI_API_KEY").And.Not.Contain("wrong-key"));
            Assert.That(model.Calls("generate"), Is.LessThan(30), "not everybody asks");
        }
    }

    [Test]
    public async Task Should_go_on_with_a_lead_that_was_put_off_for_a_fault()
    {
        for (var i = 0; i < 3; i++)
            model.Faults.FailNext("generate", new SimulatorFault.Refuse(503));
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Deferral:Delays:0", "00:00:00.100"));

        var id = await pipeline.SubmitAsync(ALead("jane.doe@acme.com"));
        var lead = (await pipeline.EndedAsync(id)).Single();
        var kinds = (await pipeline.Get<LeadQueries>().AuditAsync(id, CancellationToken.None))!.Select(a => $"{a.Stage}.{a.Kind}").ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead["status"]!.ToString(), Is.EqualTo("Completed"));
            Assert.That(kinds, Does.Contain("analysis.deferred").And.Contain("analysis.completed"));
        }
    }

    [Test]
    public async Task Should_dead_letter_a_lead_whose_request_is_always_refused()
    {
        for (var i = 0; i < 100; i++)
            model.Faults.FailNext("generate", new SimulatorFault.Refuse(400, "INVALID_ARGUMENT"));
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Deferral:Delays:0", "00:00:00.050"), ("Deferral:MaxAge", "00:00:01"));

        var id = await pipeline.SubmitAsync(ALead("jane.doe@acme.com"));
        var lead = (await pipeline.EndedAsync(id)).Single();
        var last = (await pipeline.Get<LeadQueries>().AuditAsync(id, CancellationToken.None))![^1];

        using (Assert.EnterMultipleScope())
        {
            Assert.That((lead["status"]!.ToString(), lead["reason"]!.ToString()), Is.EqualTo(("DeadLettered", "model-request-refused")));
            Assert.That(model.Faults.Outstanding, Is.LessThan(99), "it was tried more than once");
            Assert.That(($"{last.Stage}.{last.Kind}", last.Payload.GetProperty("status").GetString()), Is.EqualTo(("analysis.blocked", "DeadLettered")), "whoever listens hears of its end");
        }
    }

    [Test]
    public async Task Should_let_leads_wait_for_their_turn_without_using_up_tries()
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Analysis:RequestsPerMinute", "2"));

        var ids = new List<Guid>();
        for (var i = 0; i < 4; i++)
            ids.Add(await pipeline.SubmitAsync(ALead($"person{i}@acme.com")));
        var ended = await pipeline.EndedAsync(ids[..2]);
        var waiting = await pipeline.DeferredAsync(ids[3]);
        var kinds = (await pipeline.Get<LeadQueries>().AuditAsync(ids[3], CancellationToken.None))!.Select(a => $"{a.Stage}.{a.Kind}").ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.Select(e => e["status"]!.ToString()), Is.All.EqualTo("Completed"));
            Assert.That(waiting["reason"]!.ToString(), Is.EqualTo("rate-limited-model"));
            Assert.That(kinds, Is.EqualTo(new[] { "intake.received", "guard.rate_limited", "analysis.deferred" }), "it has not cost the CRM a call");
            Assert.That(model.Calls("generate"), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_ask_once_for_equal_leads_when_answers_may_be_reused()
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Analysis:ReuseFor", "1.00:00:00"));

        var one = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")))).Single();
        var two = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("john.roe@acme.com")))).Single();
        var other = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("joan.poe@acme.com", message: "Another one")))).Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(((JsonObject[])[one, two, other]).Select(l => l["status"]!.ToString()), Is.All.EqualTo("Completed"));
            Assert.That(((JsonObject[])[one, two, other]).Select(l => l["model"]!["reused"]!.GetValue<bool>()), Is.EqualTo(new[] { false, true, false }));
            Assert.That(two["model"]!["usage"]!["costDollars"]!.GetValue<decimal>(), Is.Zero);
            Assert.That(model.Calls("generate"), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_not_reuse_an_answer_that_was_rejected()
    {
        model.Reply = _ => GeminiSays.Text("{}");
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Analysis:ReuseFor", "1.00:00:00"));
        _ = await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("jane.doe@acme.com")));
        model.Reply = HonestModel.Answer;

        var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead("john.roe@acme.com")))).Single();

        Assert.That((lead["status"]!.ToString(), model.Calls("generate")), Is.EqualTo(("Completed", 2)));
    }

    [Test]
    public async Task Should_commit_the_answer_before_the_first_call_that_changes_the_crm()
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model, ("Mock:Faults", "upsert_lead=rate_limited@1"));

        var id = await pipeline.SubmitAsync(ALead("jane.doe@acme.com"));
        var lead = await pipeline.DeferredAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead["reason"]!.ToString(), Is.EqualTo("crm-rate-limited"));
            Assert.That(lead["model"]!["modelVersion"]!.ToString(), Is.EqualTo(GeminiSays.Version));
            Assert.That(await pipeline.TextsAsync("SELECT CAST(COUNT(*) AS TEXT) FROM lead_runs WHERE answer IS NOT NULL"), Is.EqualTo(new[] { "1" }));
        }
    }

    [Test]
    public void Should_not_start_without_credentials()
    {
        Assert.That(
            async () => await GeminiPipeline.StartAsync(model, ("Gemini:ApiKey", null)),
            Throws.TypeOf<ConfigurationException>().With.Message.Contains("Analysis:Analyzer").And.Message.Contains("GEMINI_API_KEY").And.Message.Contains("GOOGLE_CLOUD_PROJECT"));
    }

    [TestCase("Analysis:PromptFile", "no-such-prompt.md", "does not exist")]
    [TestCase("Analysis:Temperature", "3", "Analysis:Temperature")]
    [TestCase("Gemini:Model", "models/x", "Gemini:Model")]
    [TestCase("Gemini:BaseUrl", "example.com", "Gemini:BaseUrl")]
    [TestCase("Gemini:Modell", "x", "Did you mean Gemini:Model?")]
    public void Should_not_start_with_a_bad_setting(string key, string value, string fault)
    {
        Assert.That(async () => await GeminiPipeline.StartAsync(model, (key, value)), Throws.TypeOf<ConfigurationException>().With.Message.Contains(fault));
    }

    [Test]
    public void Should_not_start_with_a_credentials_file_that_is_none()
    {
        using var folder = new TestKit.TempFolder();
        var file = folder.Write("account.json", "{\"type\":\"service_account\",\"private_key\":\"SECRET\"}");

        Assert.That(
            async () => await GeminiPipeline.StartAsync(model, ("Gemini:ApiKey", null), ("Gemini:Project", "p"), ("Gemini:CredentialsFile", file)),
            Throws.TypeOf<ConfigurationException>().With.Message.Contains("holds no Google credentials").And.Message.Not.Contains("SECRET"));
    }

    internal static JsonObject ALead(string email, string? message = "We would like a demo.") => new()
    {
        ["email"] = email,
        ["firstName"] = "Jane",
        ["lastName"] = "Doe",
        ["company"] = "Acme",
        ["message"] = message,
        ["enrichment"] = new JsonObject { ["company"] = "Acme", ["domain"] = "acme.com", ["industry"] = "Software", ["employees"] = "500-1000", ["geo"] = "Berlin, Berlin, Germany" },
        ["marketing"] = new JsonObject { ["pricingPageViews"] = 6, ["pageViews"] = 20, ["webinarsAttended"] = 2, ["emailClicks"] = 8, ["emailOpens"] = 10 },
        ["product"] = new JsonObject { ["activeUsers"] = 12, ["keyFeatureUses"] = 30 },
    };
}
