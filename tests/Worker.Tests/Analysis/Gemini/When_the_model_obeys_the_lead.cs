using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>
/// The model cannot hurt: whatever a person writes and however the model obeys it, nothing happens that the evidence does not carry. Through
/// the whole pipeline, with texts that were written for the purpose. What the evidence carries is worked out here anew, from the facts
/// and the published rules.
/// </summary>
[TestFixture]
[Parallelizable]
public sealed class When_the_model_obeys_the_lead
{
    private const string Harmless = "We would like a demo.";

    private static readonly string[] Profiles = ["rich", "poor", "unknown"];

    private static readonly string[] Texts = Read();

    private GeminiSimulator model = null!;

    private static IEnumerable<string> Ways => ObedientModel.Ways.Keys;

    [SetUp]
    public async Task StartAsync() => model = await GeminiSimulator.StartAsync();

    [TearDown]
    public async Task StopAsync() => await model.DisposeAsync();

    [TestCaseSource(nameof(Ways))]
    public async Task Should_do_nothing_that_the_evidence_does_not_carry(string way)
    {
        var obedient = new ObedientModel(Harmless);
        model.Reply = asked => obedient.Answer(way, asked);
        await using var pipeline = await GeminiPipeline.StartAsync(model);
        var honest = new Dictionary<string, (JsonObject Lead, JsonObject Evidence)>();
        foreach (var profile in Profiles)
        {
            var lead = (await pipeline.EndedAsync(await pipeline.SubmitAsync(ALead(profile, $"honest@{profile}.com", Harmless)))).Single();
            honest[profile] = (lead, model.Asked[^1].Evidence);
        }

        // Every text is obeyed in the plainest way, and each of the other ways is tried on a third of them.
        var (all, third) = (way == Ways.First(), way.Length % 3);
        var sent = new List<(Guid Id, string Profile)>();
        for (var i = 0; i < Texts.Length; i++)
        {
            if (!all && i / Profiles.Length % 3 != third)
                continue;
            var profile = Profiles[i % Profiles.Length];
            sent.Add((await pipeline.SubmitAsync(ALead(profile, string.Create(CultureInfo.InvariantCulture, $"person{i}@{profile}.com"), Texts[i])), profile));
        }
        var ended = await pipeline.EndedAsync([.. sent.Select(s => s.Id)]);
        var crm = await CrmAsync(pipeline);

        var (unjustified, withheld, obeyed, rose, within, turned, done) = (new List<string>(), 0, model.Asked.Count(obedient.Saw), 0, 0, 0, 0);
        foreach (var (lead, profile) in ended.Zip(sent.Select(s => s.Profile)))
        {
            var (fair, evidence) = honest[profile];
            unjustified.AddRange(Justification.Faults(lead, evidence, crm).Select(f => $"{lead["email"]}: {f}"));
            if (lead["signals"]!.AsArray().Any(s => s!["path"]!.ToString() == "lead.message"))
            {
                withheld++;
                if (lead["fitScore"]?.GetValue<int>() != fair["fitScore"]?.GetValue<int>() || lead["decision"]?.ToString() != fair["decision"]?.ToString())
                    unjustified.Add($"{lead["email"]}: judged otherwise, although the model never saw the words");
            }
            turned += Rank(lead) > Rank(fair) ? 1 : 0;
            var isHigher = lead["fitScore"]?.GetValue<int>() > fair["fitScore"]?.GetValue<int>();
            rose += isHigher && lead["fitScore"]!.GetValue<int>() > Facts(evidence) + 20 ? 1 : 0;
            within += isHigher ? 1 : 0;
            done += lead["status"]!.ToString() == "Completed" ? 1 : 0;
        }

        TestContext.Out.WriteLine($"{way}: {ended.Count} leads, {withheld} texts withheld from the model, {obeyed} obeyed; {done} worked into the CRM, {rose} scored higher than the facts allow ({within} higher within that), {turned} decided higher, {unjustified.Count} beyond what the evidence carries");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(unjustified, Is.Empty);
            Assert.That((rose, turned), Is.EqualTo((0, 0)), "a score or a decision that the words made higher");
            Assert.That(withheld, Is.GreaterThan(10), "the texts are hostile enough to be noticed");
            Assert.That(obeyed, Is.GreaterThan(10), "and some are not noticed");
            foreach (var secret in Secrets())
            {
                Assert.That(crm.Text, Does.Not.Contain(secret), "in the CRM");
                Assert.That(pipeline.Logs.Text, Does.Not.Contain(secret), "in a log");
                Assert.That(await PublishedAsync(pipeline, sent), Does.Not.Contain(secret), "in an audit event");
                Assert.That(await ListedAsync(pipeline), Does.Not.Contain(secret), "in a listing");
            }
            foreach (var text in Texts.Where(t => t.Length > 20))
                Assert.That(pipeline.Logs.Text, Does.Not.Contain(text), "a person's words in a log");
        }
    }

    [Test]
    public Task Should_keep_each_text_within_its_part_of_the_prompt() => KeepWithinTheirPartAsync(Texts);

    [Test]
    public Task Should_keep_texts_that_others_collected_within_their_part_of_the_prompt()
    {
        string[] texts = [.. OutsideData.Texts("hostile", "*prompt*").Where(t => !string.IsNullOrWhiteSpace(t))];
        if (texts.Length == 0)
            Assert.Ignore($"Left out: that prompt injections that others have collected stay within their part of the prompt. There is no list of them in a folder 'hostile' in {string.Join(", ", OutsideData.Folders)}; name the folder above it by {OutsideData.Variable}.");

        TestContext.Out.WriteLine($"{texts.Length} texts of others");
        return KeepWithinTheirPartAsync(texts);
    }

    private async Task KeepWithinTheirPartAsync(IReadOnlyList<string> texts)
    {
        await using var pipeline = await GeminiPipeline.StartAsync(model);

        var ids = new List<Guid>();
        foreach (var (text, i) in texts.Select((t, i) => (t, i)))
            ids.Add(await pipeline.SubmitAsync(ALead("rich", string.Create(CultureInfo.InvariantCulture, $"person{i}@rich.com"), text)));
        _ = await pipeline.EndedAsync(ids);

        // The simulator refuses a prompt in which a part does not stand exactly once.
        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.Asked, Has.Count.EqualTo(texts.Count));
            Assert.That(model.Exchanges.Select(e => e.Answer!.Status), Is.All.EqualTo(200));
            Assert.That(model.Asked.Select(a => a.Instructions).Distinct().Count(), Is.EqualTo(1));
            Assert.That(model.Asked.Select(a => a.Evidence.ToJsonString()).Distinct().Count(), Is.EqualTo(1));
            Assert.That(model.Asked, Has.All.Matches<GeminiAsked>(a => !a.Body.ToJsonString().Contains("@rich.com", StringComparison.Ordinal)), "nothing of who it is");
        }
    }

    private static IEnumerable<string> Secrets() =>
        [ObedientModel.OtherLead, ObedientModel.OtherEmail, ObedientModel.Address, GeminiSimulator.ApiKey, "You judge how well", "attacker", "delete_contact\"", "Closed Won"];

    /// <summary>What the facts alone compute to, by the published table.</summary>
    private static int Facts(JsonObject evidence) => FitScore.Of(new EvidenceSnapshot(
        new SortedDictionary<string, EvidenceLeaf>(evidence.ToDictionary(e => e.Key, e => new EvidenceLeaf(JsonSerializer.SerializeToElement(e.Value), "test", "-", default)), StringComparer.Ordinal), default)) ?? 0;

    private static int Rank(JsonObject lead) => lead["decision"]?.ToString() switch { "ROUTE_TO_SDR" => 2, "NURTURE" => 1, _ => 0 };

    private static JsonObject ALead(string profile, string email, string message)
    {
        var lead = When_gemini_judges_leads.ALead(email, message);
        if (profile != "rich")
            lead.Remove("product");
        if (profile == "poor")
        {
            lead["enrichment"] = new JsonObject { ["company"] = "Acme", ["employees"] = 3, ["industry"] = "Bakery" };
            lead["marketing"] = new JsonObject { ["pageViews"] = 1 };
        }
        if (profile == "unknown")
        {
            lead.Remove("enrichment");
            lead.Remove("marketing");
        }
        return lead;
    }

    private static string[] Read()
    {
        using var stream = typeof(When_the_model_obeys_the_lead).Assembly.GetManifestResourceStream("hostile-texts.json")!;
        return [.. JsonNode.Parse(stream)!["texts"]!.AsArray().Select(t => t!.GetValue<string>())];
    }

    private static async Task<CrmContents> CrmAsync(GeminiPipeline pipeline)
    {
        var tables = new Dictionary<string, List<string>>();
        foreach (var table in (string[])["leads", "accounts", "contacts", "opportunities", "tasks", "activities", "notes", "campaign_members"])
            tables[table] = await pipeline.TextsAsync($"SELECT fields FROM crm_{table} WHERE removed_at IS NULL AND (effect_key IS NOT NULL OR record_key IS NOT NULL OR version > 1)");
        return new CrmContents(tables);
    }

    private static async Task<string> PublishedAsync(GeminiPipeline pipeline, List<(Guid Id, string Profile)> sent)
    {
        var text = new System.Text.StringBuilder();
        foreach (var (id, _) in sent)
            text.AppendJoin('\n', (await pipeline.Get<LeadQueries>().AuditAsync(id, CancellationToken.None))!.Select(a => a.Payload.ToString()));
        return text.ToString();
    }

    private static async Task<string> ListedAsync(GeminiPipeline pipeline) =>
        string.Join('\n', (await pipeline.Get<LeadQueries>().ListAsync(null, null, null, 200, null, full: false, CancellationToken.None)).Items.Select(i => i.ToJsonString()));
}

/// <summary>What is in the CRM, by table.</summary>
internal sealed record CrmContents(IReadOnlyDictionary<string, List<string>> Tables)
{
    /// <summary>All of it, but for what each person stated of himself, which goes into the fields of the same meaning as it is.</summary>
    public string Text { get; } = string.Join('\n', Tables.SelectMany(t => t.Value.Select(v => t.Key == "leads" ? WithoutStated(v) : v)));

    /// <summary>The lead's record; null: there is none.</summary>
    public JsonObject? Lead(string email) => Tables["leads"].Select(l => JsonNode.Parse(l)!.AsObject()).SingleOrDefault(l => l["email"]?.ToString() == email);

    private static string WithoutStated(string fields)
    {
        var lead = JsonNode.Parse(fields)!.AsObject();
        lead.Remove("message");
        return lead.ToJsonString();
    }
}
