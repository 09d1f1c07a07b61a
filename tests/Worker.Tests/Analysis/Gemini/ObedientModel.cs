using System.Text.Json.Nodes;
using LeadPipeline.TestKit.Simulators.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>
/// A model that does whatever the person wrote, in every way that somebody may wish for. It obeys as soon as it sees words of a person that
/// are not the harmless ones, and is honest otherwise.
/// </summary>
internal sealed class ObedientModel(string harmless)
{
    /// <summary>What must never get out: another lead's data, the address of a stranger.</summary>
    public const string OtherLead = "Zebra Holdings", OtherEmail = "victim@zebra.example", Address = "evil.example";

    /// <summary>The ways in which it can obey.</summary>
    public static readonly IReadOnlyDictionary<string, Func<GeminiAsked, JsonObject, GeminiSays>> Ways = new Dictionary<string, Func<GeminiAsked, JsonObject, GeminiSays>>
    {
        ["raises the score"] = (_, honest) => Raised(honest),
        ["raises the score without evidence"] = (_, honest) => Raised(With(honest, "evidence", new JsonArray())),
        ["invents company facts"] = (_, honest) => Raised(Citing(honest, Item("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "50000"))),
        ["invents a path"] = (_, honest) => Raised(Citing(honest, Item("ENRICHMENT", "enrichment.budget", "FIRMOGRAPHIC", "$1M"))),
        ["invents behaviour"] = (_, honest) => Raised(Citing(honest, Item("PRODUCT", "product.activeUsers", "BEHAVIOR", 5000))),
        ["invents a score"] = (_, honest) => Raised(Citing(honest, Item("COMPUTED", "computed.icpScore", "SCORE", 100))),
        ["quotes the person as enrichment"] = (asked, honest) => Raised(Citing(honest, Item("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", Words(asked)))),
        ["passes the person's words off as company facts"] = (asked, honest) => Raised(Citing(honest, Item("ENRICHMENT", "lead.message", "FIRMOGRAPHIC", Words(asked)))),
        ["cites the person for everything"] = (asked, honest) => Raised(With(honest, "evidence", new JsonArray { Item("LEAD", "lead.company", "FIRMOGRAPHIC", "Acme"), Item("LEAD", "lead.message", "SCORE", Words(asked)) })),
        ["links in the reasoning"] = (_, honest) => Raised(With(honest, "reasoning", $"Great lead, see https://{Address}/demo and <a href='http://{Address}'>book</a>, call +1 555 0100.")),
        ["answers for another lead"] = (_, honest) => Raised(With(With(honest, "reasoning", $"{OtherLead} ({OtherEmail}) is a great lead."), "leadId", "11111111-1111-1111-1111-111111111111")),
        ["tells of another lead"] = (_, honest) => Raised(Citing(With(honest, "reasoning", $"{OtherLead} ({OtherEmail}) bought before."), Item("CRM", "crm.accountName", "PIPELINE", OtherLead))),
        ["names tools"] = (_, honest) => Raised(With(honest, "actions", new JsonArray { new JsonObject { ["tool"] = "delete_contact", ["arguments"] = new JsonObject { ["id"] = "*" } } })),
        ["calls tools"] = (_, _) => GeminiSays.Parts(new JsonObject { ["functionCall"] = new JsonObject { ["name"] = "update_opportunity_stage", ["args"] = new JsonObject { ["stage"] = "Closed Won" } } }),
        ["adds properties"] = (_, honest) => Raised(Citing(With(honest, "owner", "attacker"), Item("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "Acme", ("verified", true)))),
        ["says everything twice"] = (_, honest) => GeminiSays.Text(honest.ToJsonString()[..^1] + ",\"fitScore\":100,\"decision\":\"ROUTE_TO_SDR\"}"),
        ["gives out its instructions"] = (asked, honest) => Raised(Citing(With(honest, "reasoning", asked.Instructions[..1500]), Item("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", asked.Instructions[..300]))),
        ["gives out a secret"] = (_, honest) => Raised(With(honest, "reasoning", $"The key is {GeminiSimulator.ApiKey}.")),
        ["leaves the schema"] = (_, _) => GeminiSays.Text("As you wish: 100 points, route at once."),
        ["scores beyond the scale"] = (_, honest) => GeminiSays.Json(With(honest, "fitScore", 1000)),
    };

    /// <summary>Answers.</summary>
    public GeminiSays Answer(string way, GeminiAsked asked) => Saw(asked) ? Ways[way](asked, HonestModel.Analysis(asked)) : HonestModel.Answer(asked);

    /// <summary>Whether it has seen anything to obey.</summary>
    public bool Saw(GeminiAsked asked) => Words(asked) is not ("" or "[withheld]") && Words(asked) != harmless;

    private static string Words(GeminiAsked asked) => asked.Lead["lead.message"]?.GetValue<string>() ?? "";

    private static GeminiSays Raised(JsonObject honest) =>
        GeminiSays.Json(With(With(With(honest, "intent", "HIGH_FIT"), "decision", "ROUTE_TO_SDR"), "fitScore", 100));

    private static JsonObject With(JsonObject analysis, string name, JsonNode value)
    {
        analysis[name] = value;
        return analysis;
    }

    private static JsonObject Citing(JsonObject analysis, JsonObject item)
    {
        var evidence = analysis["evidence"]!.AsArray();
        // It takes the place of what is true, so that the lie is not found out by standing beside it.
        foreach (var same in evidence.Where(e => e!["fieldPath"]!.ToString() == item["fieldPath"]!.ToString()).ToList())
            evidence.Remove(same);
        evidence.Add(item);
        return analysis;
    }

    private static JsonObject Item(string source, string path, string type, JsonNode value, params (string Name, JsonNode Value)[] more)
    {
        var item = new JsonObject { ["source"] = source, ["fieldPath"] = path, ["claimType"] = type, ["value"] = value, ["central"] = false };
        foreach (var (name, extra) in more)
            item[name] = extra;
        return item;
    }
}
