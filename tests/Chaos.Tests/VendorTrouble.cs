using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Gemini;

namespace LeadPipeline.Chaos.Tests;

/// <summary>
/// What the vendors do wrong: which call fails and how follows from the seed, the operation and how many calls of it there were; what becomes of a lead
/// follows from the seed and the lead. A call that does not fail takes as long as such calls do, so that there is always something under way.
/// </summary>
internal sealed class VendorTrouble(int seed)
{
    private readonly Dice dice = new(seed);
    private readonly ConcurrentDictionary<string, int> calls = [], struck = [];
    private volatile bool isOver;

    /// <summary>Faults that struck, by kind.</summary>
    public IReadOnlyDictionary<string, int> Struck => struck;

    /// <summary>The vendors behave from now on; what was decided about leads stays decided.</summary>
    public void End() => isOver = true;

    /// <summary>How a call of the CRM fails, or how long it takes.</summary>
    public SimulatorFault OfCrm(string operation, SimulatedRequest request)
    {
        if (operation == "create_tasks" && RefusedTask(request.Json()) is { } part)
            return Strike("a critical step refused", new SimulatorFault.FailPart(part, 400, "VALIDATION_ERROR"));
        return Any("crm", operation, 0.06);
    }

    /// <summary>How a call of the model fails, or how long it takes.</summary>
    public SimulatorFault OfModel(string operation, SimulatedRequest request) => Any("model", operation, 0.06);

    /// <summary>What the model answers about a lead: mostly what is so; now and then what is not, or nothing.</summary>
    public GeminiSays Answer(GeminiAsked asked)
    {
        var roll = dice.Roll("answer", asked.Lead.ToJsonString());
        if (roll < 0.03)
            return GeminiSays.Blocked("SAFETY");
        var analysis = HonestModel.Analysis(asked);
        if (roll < 0.12 && analysis["evidence"]!.AsArray().FirstOrDefault(e => e!["fieldPath"]!.GetValue<string>() == "enrichment.employees") is JsonObject employees)
            employees["value"] = 7;
        return GeminiSays.Json(analysis);
    }

    private SimulatorFault Any(string vendor, string operation, double share)
    {
        var call = calls.AddOrUpdate(vendor + operation, 1, (_, n) => n + 1);
        if (isOver || dice.Roll(vendor, operation, call) >= share)
            return new SimulatorFault.AnswerLate(Task.Delay(TimeSpan.FromSeconds(dice.Between(0.01, vendor == "crm" ? 0.15 : 0.5, "usual", vendor, operation, call))));
        // Shorter than Crm:SettleTime: a CRM that works for longer than it says is not among what is promised.
        var seconds = dice.Between(0.1, 5, "seconds", vendor, operation, call);
        return (int)(dice.Roll("kind", vendor, operation, call) * 8) switch
        {
            0 => Strike($"{vendor}: done and dropped", new SimulatorFault.AcceptAndDrop()),
            1 => Strike($"{vendor}: answer cut off", new SimulatorFault.DropAfter(20)),
            2 => Strike($"{vendor}: done, answered late", new SimulatorFault.AnswerLate(Task.Delay(TimeSpan.FromSeconds(seconds)))),
            3 => Strike($"{vendor}: done late", new SimulatorFault.WorkLate(Task.Delay(TimeSpan.FromSeconds(seconds)))),
            4 => Strike($"{vendor}: 429", new SimulatorFault.Refuse(429, vendor == "crm" ? "SECONDLY" : "1s")),
            5 => Strike($"{vendor}: 503", new SimulatorFault.Refuse(503)),
            6 => Strike($"{vendor}: never answered", new SimulatorFault.Silence()),
            _ => Strike($"{vendor}: connection reset", new SimulatorFault.ResetBefore()),
        };
    }

    /// <summary>One lead in twelve cannot get its task, ever: what was done before has to be undone.</summary>
    private int? RefusedTask(JsonNode? body)
    {
        var index = Inputs(body).ToList().FindIndex(i => Key(i) is { } key && key.EndsWith(".create_task", StringComparison.Ordinal) && IsRefused(i));
        return index < 0 ? null : index;
    }

    private bool IsRefused(JsonNode? input) => Key(input) is { } key && dice.Roll("task", key[..32]) < 1.0 / 12;

    private static string? Key(JsonNode? input) => (string?)input?["properties"]?["leadpipeline_effect"] is { Length: > 32 } key ? key : null;

    private static IEnumerable<JsonNode?> Inputs(JsonNode? body) => body?["inputs"] is JsonArray inputs ? inputs : [];

    private SimulatorFault Strike(string name, SimulatorFault fault)
    {
        _ = struck.AddOrUpdate(name, 1, (_, n) => n + 1);
        return fault;
    }
}
