using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>The HTTP door and what can be read behind it, with and without servers: the promises to the sender are the same.</summary>
[Category("Integration")]
[TestFixture(false, TestName = "When_leads_are_posted(embedded)")]
[TestFixture(true, TestName = "When_leads_are_posted(servers)")]
[Parallelizable]
public sealed class When_leads_are_posted(bool onServers)
{
    private TempFolder folder = null!;
    private ServedState? state;
    private RunningWorker worker = null!;
    private int people;

    [OneTimeSetUp]
    public async Task Start()
    {
        folder = new TempFolder();
        state = onServers ? await ServedState.CreateAsync() : null;
        worker = state is null ? await RunningWorker.StartAsync(folder.Path) : await state.StartAsync();
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
    public async Task Should_accept_one_lead_and_work_it_through()
    {
        var email = Someone();

        using var response = await worker.PostAsync($$"""{"email":"{{email}}","company":"Acme","favouriteColour":"green"}""");
        var answer = await response.JsonAsync();
        var lead = await worker.UntilDoneAsync(Id(answer));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(answer["status"]!.GetValue<string>(), Is.EqualTo("accepted"));
            Assert.That(answer["duplicate"]!.GetValue<bool>(), Is.False);
            Assert.That(lead["status"]!.GetValue<string>(), Is.EqualTo("Completed"));
            Assert.That(lead["source"]!.GetValue<string>(), Is.EqualTo("api"));
            Assert.That(lead["lead"]!["email"]!.GetValue<string>(), Is.EqualTo(email));
            Assert.That(lead["lead"]!["customFields"]!["favouriteColour"]!.GetValue<string>(), Is.EqualTo("green"));
            Assert.That(lead["timeline"]!.AsArray().Select(t => $"{t!["stage"]}.{t["kind"]}"), Is.SupersetOf(new[] { "intake.received", "analysis.completed", "execution.started", "execution.completed" }));
        }
    }

    [Test]
    public async Task Should_not_believe_what_an_untrusted_sender_says_about_the_company()
    {
        using var posted = await worker.PostAsync(GeneratedLeads.Lead(1000).ToJsonString());

        var lead = await worker.UntilDoneAsync(Id(await posted.JsonAsync()));

        Assert.That(lead["decision"]!.GetValue<string>(), Is.EqualTo("IGNORE"));
    }

    [Test]
    public async Task Should_answer_for_each_lead_of_an_array()
    {
        using var response = await worker.PostAsync($$"""[{"email":"{{Someone()}}"},{"email":"nobody"},{"email":"{{Someone()}}"}]""");
        var results = (await response.JsonAsync())["results"]!.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(results.Select(r => r!["index"]!.GetValue<int>()), Is.EqualTo(new[] { 0, 1, 2 }));
            Assert.That(results[1]!["leadId"], Is.Null);
            Assert.That(results[1]!["errors"]![0]!["field"]!.GetValue<string>(), Is.EqualTo("email"));
            Assert.That(results[2]!["leadId"], Is.Not.Null);
        }
    }

    [Test]
    public async Task Should_answer_for_each_line_of_many()
    {
        using var response = await worker.PostAsync($$"""
            {"email":"{{Someone()}}"}

            {"email":
            {"email":"{{Someone()}}"}
            """, "application/x-ndjson");
        var results = (await response.JsonAsync())["results"]!.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(results, Has.Count.EqualTo(3));
            Assert.That(results[1]!["errors"], Is.Not.Null);
            Assert.That(results[2]!["leadId"], Is.Not.Null);
        }
    }

    [TestCase("""[{"email":"x"},{"name":"y"}]""", "application/json")]
    [TestCase("[]", "application/json")]
    [TestCase("not\njson", "application/x-ndjson")]
    public async Task Should_answer_400_when_not_one_of_several_can_be_taken(string body, string contentType)
    {
        using var response = await worker.PostAsync(body, contentType);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("""{"email":""", "$")]
    [TestCase("", "$")]
    [TestCase("\"email\"", "$")]
    [TestCase("null", "$")]
    [TestCase("{}", "email")]
    [TestCase("""{"email":"a b@c"}""", "email")]
    [TestCase("""{"email":"ok@acme.example","email":"ok@acme.example"}""", "email")]
    [TestCase("""{"email":"ok@acme.example","leadId":"17"}""", "leadId")]
    [TestCase("""{"email":"ok@acme.example","name":"\ud800"}""", "name")]
    public async Task Should_name_field_problem_and_remedy(string body, string field)
    {
        using var response = await worker.PostAsync(body);
        var problem = await response.JsonAsync();
        var error = problem["errors"]![0]!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(error["field"]!.GetValue<string>(), Is.EqualTo(field));
            Assert.That(error["problem"]!.GetValue<string>(), Is.Not.Empty);
            Assert.That(error["remedy"]!.GetValue<string>(), Is.Not.Empty);
        }
    }

    [TestCase("text/plain", 415)]
    [TestCase("application/xml", 415)]
    [TestCase("application/json; charset=iso-8859-1", 415)]
    [TestCase("application/json; charset=utf-8", 202)]
    public async Task Should_take_only_what_it_can_read(string contentType, int status)
    {
        using var response = await worker.PostAsync($$"""{"email":"{{Someone()}}"}""", contentType);

        Assert.That((int)response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_refuse_more_than_a_thousand_leads_and_more_than_a_megabyte()
    {
        using var tooMany = await worker.PostAsync("[" + string.Join(',', Enumerable.Range(0, 1001).Select(i => $$"""{"email":"p{{i}}@many.example"}""")) + "]");
        using var tooManyLines = await worker.PostAsync(string.Concat(Enumerable.Range(0, 1001).Select(i => $$"""{"email":"p{{i}}@many.example"}""" + "\n")), "application/x-ndjson");
        using var tooLarge = await worker.PostAsync($$"""{"email":"{{Someone()}}","message":"{{new string('x', 1_100_000)}}"}""");
        var page = await worker.GetAsync("/leads?limit=200");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)tooMany.StatusCode, Is.EqualTo(413));
            Assert.That((int)tooManyLines.StatusCode, Is.EqualTo(413));
            Assert.That((int)tooLarge.StatusCode, Is.EqualTo(413));
            Assert.That(page["items"]!.AsArray().Select(i => i!["email"]!.GetValue<string>()), Has.None.EndsWith("@many.example"), "nothing of it was taken");
        }
    }

    [Test]
    public async Task Should_know_a_post_again_by_its_idempotency_key()
    {
        var body = $$"""{"email":"{{Someone()}}"}""";
        var key = $"order {people} / ü";

        using var first = await worker.PostAsync(body, key: Uri.EscapeDataString(key));
        using var again = await worker.PostAsync(body, key: Uri.EscapeDataString(key));
        using var other = await worker.PostAsync($$"""{"email":"{{Someone()}}"}""", key: Uri.EscapeDataString(key));
        var (id, copy) = (await first.JsonAsync(), await again.JsonAsync());
        _ = await worker.UntilDoneAsync(Id(id));
        using var otherLater = await worker.PostAsync($$"""{"email":"{{Someone()}}"}""", key: Uri.EscapeDataString(key));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(copy["leadId"]!.GetValue<string>(), Is.EqualTo(id["leadId"]!.GetValue<string>()));
            Assert.That(copy["duplicate"]!.GetValue<bool>(), Is.True);
            Assert.That(other.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That(otherLater.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That((await other.JsonAsync())["errors"]![0]!["field"]!.GetValue<string>(), Is.EqualTo("Idempotency-Key"));
        }
    }

    [Test]
    public async Task Should_refuse_a_lead_id_that_belongs_to_another()
    {
        var id = Guid.NewGuid();
        using var first = await worker.PostAsync($$"""{"leadId":"{{id}}","email":"{{Someone()}}"}""");
        _ = await worker.UntilDoneAsync(id);

        using var second = await worker.PostAsync($$"""{"leadId":"{{id}}","email":"{{Someone()}}"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Id(await first.JsonAsync()), Is.EqualTo(id));
            Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        }
    }

    [Test]
    public async Task Should_change_nothing_for_a_copy_and_note_what_differs()
    {
        var email = Someone();
        using var first = await worker.PostAsync($$"""{"email":"{{email}}","externalId":"{{email}}","company":"Acme"}""");
        var id = Id(await first.JsonAsync());
        _ = await worker.UntilDoneAsync(id);

        using var again = await worker.PostAsync($$"""{"email":"{{email}}","externalId":"{{email}}","company":"Other"}""");
        var copy = await again.JsonAsync();
        JsonNode? noted = null;
        await Eventually.ShouldAsync(async () => (noted = (await worker.GetAsync($"/leads/{id}/audit"))["items"]!.AsArray().FirstOrDefault(e => e!["kind"]!.GetValue<string>() == "duplicate")) is not null, "note the copy");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Id(copy), Is.EqualTo(id));
            Assert.That(copy["duplicate"]!.GetValue<bool>(), Is.True);
            Assert.That(noted!["payload"]!["differs"]!.AsArray().Select(f => f!.GetValue<string>()), Is.EqualTo(new[] { "company" }));
            Assert.That((await worker.GetAsync($"/leads/{id}"))["lead"]!["company"]!.GetValue<string>(), Is.EqualTo("Acme"));
        }
    }

    [Test]
    public async Task Should_answer_the_first_lead_for_an_alias()
    {
        var email = Someone();
        using var first = await worker.PostAsync($$"""{"email":"{{email}}","externalId":"{{email}}"}""");
        var id = Id(await first.JsonAsync());
        _ = await worker.UntilDoneAsync(id);

        // Known by its external id only once intake has looked: the door derives another id from the key.
        using var again = await worker.PostAsync($$"""{"email":"{{email}}","externalId":"{{email}}"}""", key: "alias-" + email);
        var answered = Id(await again.JsonAsync());
        JsonObject? found = null;
        await Eventually.ShouldAsync(async () => (found = await worker.GetAsync($"/leads/{answered}")) is not null, "know the id that was answered");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found!["leadId"]!.GetValue<string>(), Is.EqualTo(id.ToString()));
            Assert.That(found["aliasOf"]?.GetValue<string>(), Is.EqualTo(answered == id ? null : id.ToString()));
            Assert.That(answered == id, Is.EqualTo(!onServers), "only with servers the id is answered before intake has looked");
        }
    }

    [Test]
    public async Task Should_list_by_status_source_and_time_page_by_page()
    {
        var source = "list-" + Guid.NewGuid().ToString("N");
        var since = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
        using var posted = await worker.PostAsync("[" + string.Join(',', Enumerable.Range(0, 5).Select(_ => $$"""{"email":"{{Someone()}}","source":"{{source}}"}""")) + "]");
        foreach (var result in (await posted.JsonAsync())["results"]!.AsArray())
            _ = await worker.UntilDoneAsync(Id(result!.AsObject()));

        var pages = new List<JsonArray>();
        string? cursor = null;
        do
        {
            var page = await worker.GetAsync($"/leads?source={source}&status=completed&limit=2&since={Uri.EscapeDataString(since)}{(cursor is null ? "" : "&cursor=" + cursor)}");
            pages.Add(page["items"]!.AsArray());
            cursor = page["next"]?.GetValue<string>();
        }
        while (cursor is not null);
        var none = await worker.GetAsync($"/leads?source={source}&status=Rejected");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(pages.Select(p => p.Count), Is.EqualTo(new[] { 2, 2, 1 }));
            Assert.That(pages.SelectMany(p => p).Select(i => i!["leadId"]!.GetValue<string>()), Is.Unique);
            Assert.That(none["items"]!.AsArray(), Is.Empty);
        }
    }

    [TestCase("/leads?limit=0", 400)]
    [TestCase("/leads?limit=201", 400)]
    [TestCase("/leads?status=Happy", 400)]
    [TestCase("/leads?since=yesterday", 400)]
    [TestCase("/leads?cursor=zzz", 400)]
    [TestCase("/leads?cursor=ffffffffffffffffffffffffffffffffffffffffffffffff", 400)]
    [TestCase("/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000", 404)]
    [TestCase("/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000/audit", 404)]
    [TestCase("/leads/seventeen", 404)]
    [TestCase("/crm/spaceships", 404)]
    [TestCase("/crm/leads/00Q000000000000AAA", 404)]
    [TestCase("/nowhere", 404)]
    public async Task Should_say_what_is_wrong_with_a_question(string path, int status)
    {
        using var response = await worker.Admin.GetAsync(path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(status));
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        }
    }

    [TestCase("/leads")]
    [TestCase("/leads/6f1c1a3e-8f0e-4a55-9a55-000000000000")]
    [TestCase("/crm/leads")]
    public async Task Should_let_nobody_read_without_a_token(string path)
    {
        using var without = await worker.Client.GetAsync(path);
        using var wrong = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new("Bearer", "guessed") } };
        using var guessed = await worker.Client.SendAsync(wrong);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(without.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(guessed.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(without.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        }
    }

    [Test]
    public async Task Should_show_the_audit_chain_and_the_crm()
    {
        var email = Someone();
        using var posted = await worker.PostAsync($$"""{"email":"{{email}}","lastName":"Muster"}""");
        var id = Id(await posted.JsonAsync());
        var lead = await worker.UntilDoneAsync(id);
        var record = lead["effects"]!.AsArray().Single(e => e!["step"]!.GetValue<string>() == "upsert_lead")!["recordId"]!.GetValue<string>();

        var audit = (await worker.GetAsync($"/leads/{id}/audit"))["items"]!.AsArray();
        var inCrm = await worker.GetAsync($"/crm/leads/{record}");
        var users = await worker.GetAsync("/crm/users");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(audit.Select(e => e!["seq"]!.GetValue<int>()), Is.EqualTo(Enumerable.Range(1, audit.Count)));
            Assert.That(audit.Skip(1).Select(e => e!["prevHash"]!.GetValue<string>()), Is.EqualTo(audit.SkipLast(1).Select(e => e!["hash"]!.GetValue<string>())));
            Assert.That(audit.ToJsonString(), Does.Not.Contain(email));
            Assert.That(inCrm["email"]!.GetValue<string>(), Is.EqualTo(email));
            Assert.That(users["items"]!.AsArray(), Is.Not.Empty);
        }
    }

    [TestCase("/health/live")]
    [TestCase("/health/ready")]
    [TestCase("/health/crm")]
    [TestCase("/health")]
    [TestCase("/ready")]
    public async Task Should_tell_anyone_that_it_is_well(string path)
    {
        using var response = await worker.Client.GetAsync(path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((await response.JsonAsync())["status"]!.GetValue<string>(), Is.EqualTo("Healthy"));
        }
    }

    private string Someone() => $"someone{Interlocked.Increment(ref people)}@door.example";

    private static Guid Id(JsonObject answer) => Guid.Parse(answer["leadId"]!.GetValue<string>());
}
