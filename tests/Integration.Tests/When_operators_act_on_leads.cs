using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>Replaying, cancelling and erasing over HTTP and from the command line, with and without servers.</summary>
[Category("Integration")]
[TestFixture(false, TestName = "When_operators_act_on_leads(embedded)")]
[TestFixture(true, TestName = "When_operators_act_on_leads(servers)")]
[Parallelizable]
public sealed class When_operators_act_on_leads(bool onServers)
{
    private static readonly (string Role, string Token)[] Roles = [("user", "a-user"), ("operator", "an-operator"), ("admin", "an-admin")];

    private TempFolder folder = null!;
    private ServedState? state;
    private RunningWorker worker = null!;
    private Dictionary<string, string> settings = [];
    private int people;

    [OneTimeSetUp]
    public async Task Start()
    {
        var tokens = Roles.SelectMany((r, i) => new[]
        {
            ($"Auth__Tokens__{i}__Hash", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(r.Token)))),
            ($"Auth__Tokens__{i}__Role", r.Role),
        }).Append(("Mock__Faults", "upsert_lead=unauthorized@email:refused@operators.example;upsert_lead=transient@email:waiting@operators.example"))
            .Append(("Retry__BaseDelay", "00:00:00.010")).ToArray();
        folder = new TempFolder();
        state = onServers ? await ServedState.CreateAsync() : null;
        settings = state?.Settings(tokens) ?? tokens.ToDictionary(t => t.Item1, t => t.Item2);
        worker = await RunningWorker.StartAsync(state?.Folder.Path ?? folder.Path, settings);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await worker.DisposeAsync();
        if (state is not null)
            await state.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Should_replay_a_lead_without_doing_anything_twice()
    {
        var lead = await DoneAsync(Someone());

        using var replayed = await SendAsync("operator", HttpMethod.Post, $"/leads/{lead}/replay", "{\"again\":false}");
        var answer = await replayed.JsonAsync();
        await UntilAsync(lead, 2);
        var view = await GetAsync($"/leads/{lead}");
        var events = (await GetAsync($"/leads/{lead}/audit"))["items"]!.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(replayed.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That((answer["leadId"]!.GetValue<Guid>(), answer["run"]!.GetValue<int>()), Is.EqualTo((lead, 2)));
            Assert.That(view["status"]!.GetValue<string>(), Is.EqualTo("Completed"));
            Assert.That(view["effects"]!.AsArray().Select(e => e!["state"]!.GetValue<string>()).Distinct(), Is.EqualTo(new[] { "unchanged" }).AsCollection);
            Assert.That(events.Single(e => e!["kind"]!.GetValue<string>() == "replayed" && e["stage"]!.GetValue<string>() == "operator")!["actor"]!.GetValue<string>(), Does.StartWith("token-"));
        }
    }

    [TestCase("user", "POST", "/replay", HttpStatusCode.Forbidden)]
    [TestCase("user", "POST", "/cancel", HttpStatusCode.Forbidden)]
    [TestCase("user", "DELETE", "", HttpStatusCode.Forbidden)]
    [TestCase("operator", "DELETE", "", HttpStatusCode.Forbidden)]
    [TestCase("operator", "POST", "/replay", HttpStatusCode.NotFound)]
    [TestCase("operator", "POST", "/cancel", HttpStatusCode.NotFound)]
    [TestCase("admin", "DELETE", "", HttpStatusCode.NotFound)]
    [TestCase(null, "DELETE", "", HttpStatusCode.Unauthorized)]
    public async Task Should_ask_for_the_role(string? role, string method, string act, HttpStatusCode expected)
    {
        using var response = await SendAsync(role, new HttpMethod(method), $"/leads/{Guid.NewGuid()}{act}");

        Assert.That(response.StatusCode, Is.EqualTo(expected));
    }

    [TestCase("{\"again\":\"yes\"}")]
    [TestCase("{\"agian\":true}")]
    [TestCase("[]")]
    [TestCase("{")]
    public async Task Should_not_guess_what_a_body_means(string body)
    {
        var lead = await DoneAsync(Someone());

        using var response = await SendAsync("operator", HttpMethod.Post, $"/leads/{lead}/replay", body);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task Should_refuse_while_a_run_is_open_and_let_it_be_ended_only_by_itself_once_it_has_begun()
    {
        var lead = await PostAsync("waiting@operators.example");
        await Eventually.ShouldAsync(async () => (await GetAsync($"/leads/{lead}"))["status"]!.GetValue<string>() == "Deferred", "be deferred");

        using var replay = await SendAsync("operator", HttpMethod.Post, $"/leads/{lead}/replay");
        using var erase = await SendAsync("admin", HttpMethod.Delete, $"/leads/{lead}");
        using var cancel = await SendAsync("operator", HttpMethod.Post, $"/leads/{lead}/cancel");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { replay, erase, cancel }.Select(r => r.StatusCode), Is.All.EqualTo(HttpStatusCode.Conflict));
            Assert.That((await replay.JsonAsync())["title"]!.GetValue<string>(), Is.EqualTo("run-open"));
            Assert.That((await cancel.JsonAsync())["title"]!.GetValue<string>(), Is.EqualTo("already-sent"));
        }
    }

    [Test]
    public async Task Should_let_a_dead_letter_go_on_in_its_run()
    {
        var lead = await PostAsync("refused@operators.example");
        await UntilAsync(lead, 1);

        using var replay = await SendAsync("operator", HttpMethod.Post, $"/leads/{lead}/replay");
        var answer = await replay.JsonAsync();
        await Eventually.ShouldAsync(async () => (await GetAsync($"/leads/{lead}"))["timeline"]!.AsArray().Count(t => t!["stage"]!.GetValue<string>() == "execution" && t["kind"]!.GetValue<string>() == "completed") == 2, "fail once more");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer["run"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That((await GetAsync($"/leads/{lead}"))["status"]!.GetValue<string>(), Is.EqualTo("DeadLettered"), "its credentials are still refused");
        }
    }

    [Test]
    public async Task Should_erase_a_person_and_bring_nothing_back_with_a_copy()
    {
        var email = Someone();
        var lead = await DoneAsync(email);

        using var erased = await SendAsync("admin", HttpMethod.Delete, $"/leads/{lead}");
        using var again = await SendAsync("admin", HttpMethod.Delete, $"/leads/{lead}");
        var copy = await PostAsync(email);
        var records = (await erased.JsonAsync())["records"]!.AsArray();
        var crm = (await GetAsync("/crm/leads"))["items"]!.ToJsonString();
        var view = await GetAsync($"/leads/{lead}");
        var (code, audit) = await Cli.JsonAsync(["audit", "verify", lead.ToString(), "--json"], state?.Folder.Path ?? folder.Path, Without("Mock__Faults"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((erased.StatusCode, again.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)));
            Assert.That(records.Single(r => r!["object"]!.GetValue<string>() == "Lead")!["erased"]!.GetValue<bool>(), Is.True);
            Assert.That(crm, Does.Not.Contain(email));
            Assert.That((view["status"]!.GetValue<string>(), view["email"], view["lead"]), Is.EqualTo(("Erased", (JsonNode?)null, (JsonNode?)null)));
            Assert.That(copy, Is.EqualTo(lead));
            Assert.That((code, audit!["problems"]!.AsArray().Count), Is.EqualTo((0, 0)), audit.ToJsonString());
        }
    }

    [Test]
    public async Task Should_be_carried_out_by_the_running_worker_when_the_command_line_orders_it()
    {
        var lead = await DoneAsync(Someone());

        var (code, answer) = await Cli.JsonAsync(["leads", "replay", lead.ToString(), "--json"], state?.Folder.Path ?? folder.Path, settings);
        await UntilAsync(lead, 2);

        Assert.That((code, answer!["run"]!.GetValue<int>(), answer["workerRunning"]!.GetValue<bool>()), Is.EqualTo((0, 2, true)));
    }

    private string Someone() => $"person{++people}@operators{people}.example";

    private Dictionary<string, string> Without(string key) => settings.Where(s => s.Key != key).ToDictionary();

    private async Task<Guid> PostAsync(string email)
    {
        using var response = await worker.PostAsync($$"""{"email":"{{email}}","company":"Acme"}""");
        return (await response.JsonAsync())["leadId"]!.GetValue<Guid>();
    }

    private async Task<Guid> DoneAsync(string email)
    {
        var lead = await PostAsync(email);
        await UntilAsync(lead, 1);
        return lead;
    }

    private Task UntilAsync(Guid lead, int run) => Eventually.ShouldAsync(async () =>
    {
        using var response = await SendAsync("admin", HttpMethod.Get, $"/leads/{lead}");
        if (response.StatusCode != HttpStatusCode.OK)
            return false;
        var view = await response.JsonAsync();
        return view["run"]!.GetValue<int>() == run && view["status"]!.GetValue<string>() is "Completed" or "DeadLettered" or "Blocked";
    }, $"end run {run} of lead {lead}");

    private async Task<JsonObject> GetAsync(string path)
    {
        using var response = await SendAsync("admin", HttpMethod.Get, path);
        return await response.JsonAsync();
    }

    private async Task<HttpResponseMessage> SendAsync(string? role, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (role is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Roles.Single(r => r.Role == role).Token);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await worker.Client.SendAsync(request);
    }
}
