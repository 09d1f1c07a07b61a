using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>Everything that goes over the wire is as HubSpot's own description has it, as far as it goes (it has no pipelines and no labels).</summary>
public sealed partial class HubSpotContractTests
{
    private const string Document = "hubspot-crm-openapi.json";

    private static OpenApiContract contract = null!;

    [OneTimeSetUp]
    public void Load()
    {
        if (OutsideContracts.Find(Document) is not { } file)
            Assert.Ignore($"Left out: that what we send to HubSpot, and what its simulator answers, is as {Document} has it. It is in none of {string.Join(", ", OutsideContracts.Folders)}; name its folder by {OutsideContracts.Variable}.");
        else
            contract = OpenApiContract.Load(file);
    }

    [Test]
    public async Task Should_be_kept_by_both_sides()
    {
        var exchanges = new List<SimulatedExchange>();
        await using (var hubspot = await HubSpotCase.StartAsync())
        {
            _ = await hubspot.With([.. HubSpotCase.Steps, "add_note"]).DeliverAsync();
            _ = await hubspot.Again().DeliverAsync();
            _ = await hubspot.Crm.ReadAsync(new CrmQuery { User = "9001" }, CancellationToken.None);
            _ = await hubspot.Crm.ProbeAsync(CancellationToken.None);
            exchanges.AddRange(hubspot.Simulator.Exchanges);
        }
        await using (var hubspot = await HubSpotCase.StartAsync())
        {
            _ = (hubspot.KnownContact(), hubspot.KnownCompany());
            _ = hubspot.With("upsert_lead", "match_account", "create_opportunity", "create_follow_up", "create_task");
            hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(1, 400, "VALIDATION_ERROR"));
            hubspot.Simulator.Faults.FailNext("create_deals", new SimulatorFault.Refuse(429, "SECONDLY"));
            _ = await hubspot.RunToTheEndAsync();
            exchanges.AddRange(hubspot.Simulator.Exchanges);
        }

        var described = exchanges.Where(e => e.Operation is not ("pipelines" or "labels")).ToList();
        var faults = described.SelectMany(e => Faults(e).Select(f => $"{e.Operation}: {f}")).Distinct();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults, Is.Empty);
            Assert.That(described.Select(e => e.Operation).Distinct(), Is.SupersetOf(new[]
            {
                "read_contacts", "search_companies", "create_contacts", "create_companies", "create_deals", "create_tasks", "create_notes", "update_contacts", "update_tasks",
                "archive_deals", "read_associations", "link", "unlink", "owners", "properties",
            }), "every kind of call is held to it");
        }
    }

    [Test]
    public void Should_notice_what_is_not_in_it()
    {
        var body = new JsonObject { ["inputs"] = new JsonArray(new JsonObject { ["properties"] = new JsonObject { ["email"] = 5 }, ["idProperty"] = "email" }) };

        Assert.That(contract.CheckRequest("POST", "/crm/v3/objects/contacts/batch/create", body), Is.EqualTo(new[]
        {
            "body.inputs[0].properties.email is Number, not string", "body.inputs[0].idProperty is not in the contract",
        }));
    }

    private static IEnumerable<string> Faults(SimulatedExchange exchange)
    {
        // The description has the paths of before the dated versions; nothing else has changed.
        var path = Associations().Replace(Dated().Replace(exchange.Request.Path, "/crm/v3/$1"), "/crm/v4/associations");
        var (method, answer) = (exchange.Request.Method, exchange.Answer!);
        return contract.CheckRequest(method, path, exchange.Request.Json())
            .Concat(contract.CheckAnswer(method, path, answer.Status, answer.Body is null ? null : JsonNode.Parse(answer.Body)));
    }

    [GeneratedRegex("^/crm/([a-z]+)/2026-03")]
    private static partial Regex Dated();

    [GeneratedRegex("^/crm/v3/associations")]
    private static partial Regex Associations();
}
