using System.Text.Json.Nodes;
using static LeadPipeline.TestKit.Simulators.HubSpot.HubSpotAnswers;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>Batches of records to be made or changed: taken part by part when every input has a trace id, else all of them or none.</summary>
/// <param name="store">The records.</param>
/// <param name="properties">The account's property definitions.</param>
/// <param name="searchableFrom">The number of the request from which on search knows a record that is made now.</param>
/// <param name="made">Told the effect key of every record that is made with one.</param>
internal sealed class HubSpotWrites(HubSpotStore store, Dictionary<string, Dictionary<string, HubSpotProperty>> properties, Func<int> searchableFrom, Action<string> made)
{
    /// <summary>Carries out a batch.</summary>
    /// <param name="verb"><c>create</c>, <c>update</c> or <c>upsert</c>.</param>
    /// <param name="type">The type of its records.</param>
    /// <param name="inputs">What is to be written.</param>
    /// <param name="part">The input that is to be refused; null: none.</param>
    /// <param name="refusesWholeBatches">Whether a refusal of one input refuses them all although each has a trace id.</param>
    public SimulatedAnswer Write(string verb, string type, JsonArray inputs, SimulatorFault.FailPart? part, bool refusesWholeBatches)
    {
        if (verb != "create" && inputs.GroupBy(i => (string?)i!["id"]).Any(g => g.Count() > 1))
            return Problem(new(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input"));
        var traced = inputs.All(i => i!["objectWriteTraceId"] is not null) && !refusesWholeBatches;
        // Without trace ids a batch is taken or refused as one: it is looked at before anything of it is done.
        if (!traced && (part is not null || inputs.Count > 0) && FirstProblem(type, inputs, part, verb == "create") is { } first)
            return Problem(first);
        var (results, errors) = (new List<JsonNode>(), new List<JsonNode>());
        for (var i = 0; i < inputs.Count; i++)
        {
            var input = inputs[i]!.AsObject();
            var (result, problem) = part?.Part == i ? (null, new HubSpotProblem(part.Status, part.Code, "as ordered")) : WriteOne(verb, type, input);
            if (problem is not null)
                errors.Add(StandardError(problem, "objectWriteTraceId", (string)input["objectWriteTraceId"]!));
            else
                results.Add(result!);
        }
        return Batch(errors.Count > 0 ? 207 : verb == "create" ? 201 : 200, results, errors);
    }

    private (JsonObject?, HubSpotProblem?) WriteOne(string verb, string type, JsonObject input) => verb switch
    {
        "create" => Create(type, input),
        "update" => Update(type, input),
        _ => Upsert(type, input),
    };

    private HubSpotProblem? FirstProblem(string type, JsonArray inputs, SimulatorFault.FailPart? part, bool creating)
    {
        if (part is not null && part.Part < inputs.Count)
            return new(part.Status, part.Code, "as ordered");
        var taken = new HashSet<(string, string)>();
        foreach (var input in inputs)
        {
            foreach (var (name, value) in input!["properties"] as JsonObject ?? [])
            {
                if (properties[type].TryGetValue(name, out var property) && property.Unique && !taken.Add((name, (string?)value ?? "")))
                    return new(400, "VALIDATION_ERROR", "Duplicate values found in batch input", "CONFLICTING_UNIQUE_VALUE", name);
            }
            var row = creating ? null : store.Find(type, (string?)input!["id"] ?? "");
            if (!creating && row is null && input!["idProperty"] is null)
                return new(404, "OBJECT_NOT_FOUND", "resource not found");
            if ((store.Check(type, input!["properties"] as JsonObject, row) ?? (input["associations"] as JsonArray ?? []).Select(a => store.Check(type, a, out _)).FirstOrDefault(p => p is not null)) is { } problem)
                return problem;
        }
        return null;
    }

    private (JsonObject?, HubSpotProblem?) Create(string type, JsonObject input)
    {
        var links = new List<string>();
        foreach (var association in input["associations"] as JsonArray ?? [])
        {
            if (store.Check(type, association, out var to) is { } wrong)
                return (null, wrong);
            links.Add(to);
        }
        if (store.Check(type, input["properties"] as JsonObject, null) is { } problem)
            return (null, problem);
        var row = store.Add(type, searchableFrom());
        store.Set(row, input["properties"]!.AsObject());
        links.ForEach(to => store.Associate(row.Id, to));
        if (row.Properties.TryGetValue("leadpipeline_effect", out var effect))
            made(effect);
        return (Traced(Shown(row, row.Properties.Keys), input), null);
    }

    private (JsonObject?, HubSpotProblem?) Update(string type, JsonObject input)
    {
        var row = store.Find(type, (string?)input["id"] ?? "");
        if (row is null)
            return (null, new(404, "OBJECT_NOT_FOUND", "resource not found"));
        if (store.Check(type, input["properties"] as JsonObject, row) is { } problem)
            return (null, problem);
        var given = input["properties"]!.AsObject();
        store.Set(row, given);
        // Only what was written comes back, not the whole record.
        return (Traced(Shown(row, given.Select(g => g.Key)), input), null);
    }

    private (JsonObject?, HubSpotProblem?) Upsert(string type, JsonObject input)
    {
        if ((string?)input["idProperty"] is not { } idProperty || !properties[type].TryGetValue(idProperty, out var property) || !property.Unique)
            return (null, new(400, "VALIDATION_ERROR", "idProperty must name a unique property"));
        if (idProperty == "email")
            return (null, new(400, "VALIDATION_ERROR", "Partial upserts are not supported when using email as the idProperty"));
        var value = (string)input["id"]!;
        var given = input["properties"]?.AsObject() ?? [];
        given[idProperty] ??= value;
        if (store.Find(type, idProperty, value) is { } row)
        {
            var (updated, problem) = Update(type, new JsonObject { ["id"] = row.Id, ["properties"] = given.DeepClone(), ["objectWriteTraceId"] = input["objectWriteTraceId"]?.DeepClone() });
            updated?["new"] = false;
            return (updated, problem);
        }
        var (created, refused) = Create(type, new JsonObject { ["properties"] = given.DeepClone(), ["objectWriteTraceId"] = input["objectWriteTraceId"]?.DeepClone() });
        created?["new"] = true;
        return (created, refused);
    }
}
