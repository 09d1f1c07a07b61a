using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

/// <summary>
/// Everything that goes over the wire is as a description of Salesforce's REST API has it, the parts of composites like calls of their own.
/// The description is no document of Salesforce's; it says itself what it was assembled from.
/// </summary>
public sealed class SalesforceContractTests
{
    private const string Document = "salesforce-rest-openapi.json";

    private static OpenApiContract contract = null!;

    [OneTimeSetUp]
    public void Load()
    {
        if (OutsideContracts.Find(Document) is not { } file)
            Assert.Ignore($"Left out: that what we send to Salesforce, and what its simulator answers, is as {Document} has it. It is in none of {string.Join(", ", OutsideContracts.Folders)}; name its folder by {OutsideContracts.Variable}.");
        else
            contract = OpenApiContract.Load(file);
    }

    [Test]
    public async Task Should_be_kept_by_both_sides()
    {
        var exchanges = new List<SimulatedExchange>();
        await using (var org = await StartAsync())
        {
            _ = await org.Route().DeliverAsync();
            _ = await org.WriteAsync(NewLead("alone", "b@example.com", (CrmFields.Message, "@{w0.id}")), NewTask());
            var made = (CrmOutcome.Done)(await org.WriteAsync(NewLead("other", "c@example.com")))[0];
            _ = await org.WriteAsync(new RemoveRecord("other", "upsert_lead", CrmObject.Lead, made.RecordId, made.Version));
            exchanges.AddRange(org.Org.Exchanges);
        }
        await using (var org = await StartAsync())
        {
            _ = org.KnownLead();
            var priority = org.Org.Schema["Task"]["Priority"];
            org.Org.Schema["Task"]["Priority"] = priority with { Values = ["Low"] };
            org.Org.Faults.FailNext("read", new SimulatorFault.Refuse(503));
            org.Org.Faults.FailNext("write", new SimulatorFault.Refuse(403, "concurrent"));
            _ = await org.Route().RunToTheEndAsync();
            exchanges.AddRange(org.Org.Exchanges);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exchanges.SelectMany(Faults).Distinct(), Is.Empty);
            Assert.That(exchanges.SelectMany(Parts).Select(p => p.Method + " " + Kind(p.Url)).Distinct(), Is.SupersetOf(new[]
            {
                "GET query", "PATCH sobjects/Lead", "PATCH sobjects/Task", "PATCH sobjects/Account", "PATCH sobjects/Opportunity", "PATCH sobjects/CampaignMember", "DELETE sobjects/Lead", "DELETE sobjects/Account", "GET sobjects/Lead",
            }), "every kind of part is held to it");
        }
    }

    [Test]
    public void Should_notice_what_is_not_in_it()
    {
        var lead = new JsonObject { ["Company"] = 5, ["Invented"] = "x", ["IsConverted"] = true, ["Phone"] = new string('1', 41), ["Mine__c"] = 1 };

        Assert.That(contract.CheckSchema("LeadCreate", lead), Is.EquivalentTo(new[]
        {
            "LeadCreate.LastName is missing", "LeadCreate.Company is Number, not string", "LeadCreate.Invented is not in the contract", "LeadCreate.IsConverted is not in the contract", "LeadCreate.Phone is too long",
        }));
    }

    private static IEnumerable<string> Faults(SimulatedExchange exchange)
    {
        var (request, answer) = (exchange.Request, exchange.Answer!);
        var body = answer.Body is null ? null : JsonNode.Parse(answer.Body);
        foreach (var fault in contract.CheckRequest(request.Method, request.Path, request.Json()).Concat(contract.CheckAnswer(request.Method, request.Path, answer.Status, body)))
            yield return $"{exchange.Operation}: {fault}";
        foreach (var part in Parts(exchange))
        {
            var path = part.Url.Split('?')[0];
            var faults = contract.CheckRequest(part.Method, path, part.Body);
            // A new record needs more than a change: both come as PATCH.
            if (part is { Method: "PATCH", Status: 201 })
                faults = [.. faults, .. contract.CheckSchema(Kind(path).Split('/')[1] + "Create", part.Body)];
            foreach (var fault in faults.Concat(contract.CheckAnswer(part.Method, path, part.Status, part.Answer)))
                yield return $"{part.Method} {Kind(path)}: {fault}";
        }
    }

    private static IEnumerable<(string Method, string Url, JsonNode? Body, int Status, JsonNode? Answer)> Parts(SimulatedExchange exchange)
    {
        if (exchange.Request.Json()?["compositeRequest"] is not JsonArray parts || exchange.Answer is not { Status: 200, Body: { } text })
            return [];
        var answers = JsonNode.Parse(text)!["compositeResponse"]!.AsArray();
        return parts.Select((p, i) => ((string)p!["method"]!, (string)p["url"]!, p["body"], (int)answers[i]!["httpStatusCode"]!, answers[i]!["body"]));
    }

    private static string Kind(string url) => string.Join('/', url.Split('?')[0].Split('/').Skip(4).Take(2));
}
