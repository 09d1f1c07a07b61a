using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;

namespace LeadPipeline.Integration.Tests;

/// <summary>The queue as other systems see it: plain JSON by whatever client they have.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_another_system_posts_to_the_queue
{
    private ServedState state = null!;
    private RunningWorker worker = null!;
    private AuditQueue audit = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        state = await ServedState.CreateAsync();
        audit = await AuditQueue.BindAsync(state.Broker, "#");
        worker = await state.StartAsync();
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await worker.DisposeAsync();
        await state.DisposeAsync();
    }

    [Test]
    public async Task Should_take_a_plain_lead_and_believe_it()
    {
        await PostAsync(GeneratedLeads.Lead(0).ToJsonString());

        var lead = await OnlyAsync("generated", l => l["email"]!.GetValue<string>() == "person0@company0.example");
        Assert.That(lead["decision"]!.GetValue<string>(), Is.EqualTo("ROUTE_TO_SDR"));
    }

    [TestCase("application/json")]
    [TestCase("application/json; charset=utf-8")]
    [TestCase(null)]
    [TestCase("text/plain")]
    public async Task Should_not_mind_how_the_content_is_called(string? contentType)
    {
        var source = Source();

        await PostAsync($$"""{"email":"{{source}}@queue.example","source":"{{source}}"}""", contentType: contentType);

        _ = await OnlyAsync(source);
    }

    [TestCase("3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c")]
    [TestCase("order-17/ä")]
    public async Task Should_know_a_lead_again_by_its_message_id_whatever_that_is(string messageId)
    {
        var source = Source();

        // Another address: without the id it would be another lead.
        await PostAsync($$"""{"email":"first@queue.example","source":"{{source}}"}""", messageId);
        _ = await OnlyAsync(source);
        await PostAsync($$"""{"email":"second@queue.example","source":"{{source}}"}""", messageId);
        await PostAsync($$"""{"email":"third@queue.example","source":"{{source}}"}""", messageId + "-other");

        await Eventually.ShouldAsync(async () => (await EmailsAsync(source)).Contains("third@queue.example"), "take the lead with another id");
        Assert.That(await EmailsAsync(source), Is.EquivalentTo(new[] { "first@queue.example", "third@queue.example" }));
    }

    [Test]
    public async Task Should_know_a_lead_again_that_comes_back_from_the_dead_letters_days_later()
    {
        var source = Source();
        var body = $$"""{"email":"late@queue.example","source":"{{source}}"}""";
        var failedFirst = DateTimeOffset.UtcNow.AddDays(-5).ToString("O", CultureInfo.InvariantCulture);

        // Its e-mail is all that it is known by, and of that the day counts.
        await PostAsync(body, failedFirst: failedFirst);
        var first = await OnlyAsync(source);
        await PostAsync(body.Replace("}", ",\"company\":\"Acme\"}", StringComparison.Ordinal), failedFirst: failedFirst);
        await PostAsync(body);

        await Eventually.ShouldAsync(async () => (await EmailsAsync(source)).Count >= 2, "take in what is posted anew");
        await Eventually.ShouldAsync(async () => (await worker.GetAsync($"/leads/{first["leadId"]}/audit"))["items"]!.AsArray().Any(e => e!["kind"]!.GetValue<string>() == "duplicate"), "know the copy");
        Assert.That(await EmailsAsync(source), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Should_take_our_own_envelope()
    {
        var source = Source();
        var envelope = new JsonObject
        {
            ["messageId"] = Guid.NewGuid().ToString(),
            ["messageType"] = new JsonArray("urn:message:LeadPipeline.Contracts:LeadSubmitted"),
            ["message"] = new JsonObject { ["lead"] = new JsonObject { ["email"] = "envelope@queue.example", ["source"] = source }, ["door"] = "queue" },
        };

        await PostAsync(envelope.ToJsonString(), contentType: "application/vnd.masstransit+json");

        _ = await OnlyAsync(source);
    }

    [TestCase("""{"email":""", "JSON", null)]
    [TestCase("[{\"email\":\"secret@queue.example\"}]", "one object", "secret@")]
    [TestCase("17", "one object", null)]
    [TestCase("""{"company":"Confidential Ltd"}""", "email is missing", "Confidential")]
    [TestCase("""{"email":"not.an.address"}""", "email", "not.an.address")]
    public async Task Should_put_what_it_cannot_take_aside_with_the_reason(string body, string reason, string? never)
    {
        await PostAsync(body);

        ReceivedMessage? aside = null;
        await Eventually.ShouldAsync(async () => (aside = await state.Broker.GetAsync("lead-intake_error")) is not null, "put the message aside");
        var headers = aside!.Properties.Headers!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(aside.Text, Is.EqualTo(body), "as it came");
            Assert.That(Header(headers, "MT-Reason"), Is.EqualTo("fault"));
            Assert.That(Header(headers, "MT-Fault-Message"), Does.Contain(reason));
            Assert.That(headers.Select(h => Header(headers, h.Key)), never is null ? Has.None.Null : Has.None.Contains(never), "no value of the lead");
        }
    }

    [Test]
    public async Task Should_have_durable_quorum_queues_that_are_consumed()
    {
        await Eventually.ShouldAsync(async () => (await state.Broker.QueuesAsync()).Count(q => ServedState.Queues.Contains(q.Name) && q.Consumers == 1) == 3, "consume three queues");

        var queues = await state.Broker.QueuesAsync();
        Assert.That(queues.Where(q => q.Name.StartsWith("lead-", StringComparison.Ordinal)).Select(q => q.Type), Is.All.EqualTo("quorum"), "which are always durable");
    }

    [Test]
    public async Task Should_tell_every_step_of_a_lead_to_whoever_is_bound_to_the_audit()
    {
        var source = Source();
        await PostAsync($$"""{"email":"audited@queue.example","source":"{{source}}"}""");
        var lead = (await OnlyAsync(source))["leadId"]!.GetValue<string>();
        var written = (await worker.GetAsync($"/leads/{lead}/audit"))["items"]!.AsArray();

        var heard = new List<(string RoutingKey, IReadOnlyBasicProperties Properties, JsonObject Event)>();
        await Eventually.ShouldAsync(async () =>
        {
            heard.AddRange((await audit.TakeAsync()).Where(e => e.Event["leadId"]!.GetValue<string>() == lead));
            return heard.Count >= written.Count;
        }, "tell all of it");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Select(h => h.Event["seq"]!.GetValue<int>()), Is.EqualTo(Enumerable.Range(1, written.Count)));
            Assert.That(heard.Select(h => h.RoutingKey), Is.EqualTo(written.Select(e => $"{e!["stage"]}.{e["kind"]}")));
            Assert.That(heard.Select(h => h.Properties.MessageId), Is.EqualTo(written.Select(e => e!["id"]!.GetValue<string>())));
            Assert.That(heard.Select(h => h.Properties.Persistent), Is.All.True);
            Assert.That(heard.Select(h => h.Event.ToJsonString()), Is.EqualTo(written.Select(e => e!.ToJsonString())));
            Assert.That(heard.Select(h => h.Event.ToJsonString()), Has.None.Contains("audited@"));
        }
    }

    private Task PostAsync(string body, string? messageId = null, string? contentType = "application/json", string? failedFirst = null)
    {
        var properties = new BasicProperties();
        if (failedFirst is not null)
            properties.Headers = new Dictionary<string, object?> { ["leadpipeline-accepted-before"] = failedFirst };
        if (contentType is not null)
            properties.ContentType = contentType;
        if (messageId is not null)
            properties.MessageId = messageId;
        return state.Broker.PublishAsync("", "lead-intake", Encoding.UTF8.GetBytes(body), properties);
    }

    private async Task<JsonObject> OnlyAsync(string source, Func<JsonNode, bool>? which = null)
    {
        JsonNode? found = null;
        await Eventually.ShouldAsync(async () =>
        {
            found = (await worker.GetAsync($"/leads?source={source}"))["items"]!.AsArray().SingleOrDefault(i => which is null || which(i!));
            return found is not null;
        }, $"take the lead from {source} in");
        return await worker.UntilDoneAsync(Guid.Parse(found!["leadId"]!.GetValue<string>()));
    }

    private async Task<IReadOnlyList<string>> EmailsAsync(string source) =>
        [.. (await worker.GetAsync($"/leads?source={source}"))["items"]!.AsArray().Select(i => i!["email"]!.GetValue<string>())];

    private static string Source() => "queue-" + Guid.NewGuid().ToString("N");

    private static string Header(IDictionary<string, object?> headers, string name) =>
        headers.TryGetValue(name, out var value) ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : value?.ToString() ?? "" : "";
}
