using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;

namespace LeadPipeline.Integration.Tests;

/// <summary>What a consumer puts aside, from the broker's error queue to the list of dead letters and back.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_messages_end_in_error_queues
{
    private ServedState state = null!;
    private RunningWorker worker = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        state = await ServedState.CreateAsync();
        worker = await state.StartAsync(("Messaging__CollectInterval", "00:00:00.100"));
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await worker.DisposeAsync();
        await state.DisposeAsync();
    }

    [Test]
    public async Task Should_collect_a_message_and_return_it_to_its_queue_as_it_was()
    {
        await state.Broker.PublishAsync("", "lead-intake", Encoding.UTF8.GetBytes("""{"company":"Confidential Ltd"}"""), new BasicProperties { MessageId = "order-1", ContentType = "application/json" });
        var first = await UntilAsync(i => i["reason"]!.GetValue<string>() == "InvalidLeadException" && i["replays"]!.GetValue<int>() == 0);

        using var begun = await worker.Admin.PostAsJsonAsync("/dead-letters/replay", new { ids = new[] { first["id"]!.GetValue<string>() } });
        // Its cause is not mended: it fails again, and is the same dead letter.
        var second = await UntilAsync(i => i["id"]!.GetValue<string>() == first["id"]!.GetValue<string>() && i["replays"]!.GetValue<int>() == 1);
        await Eventually.ShouldAsync(async () => await state.Broker.DepthAsync("lead-intake_error") == 0, "empty the error queue");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)begun.StatusCode, Is.EqualTo(202));
            Assert.That((first["queue"]!.ToString(), first["group"]!.ToString(), first["leadId"]), Is.EqualTo(("lead-intake", "intake/InvalidLeadException", (JsonNode?)null)));
            Assert.That(second["at"]!.ToString(), Is.Not.EqualTo(first["at"]!.ToString()));
            Assert.That((await worker.GetAsync("/dead-letters")).ToJsonString(), Does.Not.Contain("Confidential"));
        }
    }

    [Test]
    public async Task Should_only_let_go_of_a_command_of_a_lead_that_is_on_record()
    {
        using var posted = await worker.PostAsync("""{"email":"known@queue.example"}""");
        var lead = Guid.Parse((await posted.JsonAsync())["leadId"]!.GetValue<string>());
        _ = await worker.UntilDoneAsync(lead);
        await state.Broker.DeclareQueueAsync("lead-analysis_error");

        var (known, stranger) = (Command(lead), Command(Guid.NewGuid()));
        await state.Broker.PublishAsync("", "lead-analysis_error", known);
        await state.Broker.PublishAsync("", "lead-analysis_error", stranger);

        _ = await UntilAsync(i => i["queue"]!.GetValue<string>() == "lead-analysis");
        await Eventually.ShouldAsync(async () => await state.Broker.DepthAsync("lead-analysis_error") == 0, "empty the error queue");
        var kept = (await worker.GetAsync("/dead-letters"))["items"]!.AsArray().Where(i => i!["queue"]!.GetValue<string>() == "lead-analysis").ToList();
        Assert.That(kept, Has.Count.EqualTo(1), "the stranger's");
    }

    private static byte[] Command(Guid lead) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["messageId"] = Guid.NewGuid().ToString(),
        ["messageType"] = new JsonArray("urn:message:LeadPipeline.Contracts:AnalyzeLead"),
        ["message"] = new JsonObject { ["leadId"] = lead.ToString(), ["run"] = 1, ["attempt"] = 0 },
    }.ToJsonString());

    private async Task<JsonNode> UntilAsync(Func<JsonNode, bool> which)
    {
        JsonNode? found = null;
        await Eventually.ShouldAsync(async () => (found = (await worker.GetAsync("/dead-letters"))["items"]!.AsArray().FirstOrDefault(i => which(i!))) is not null, "list the dead letter");
        return found!;
    }
}
