using System.Text.Json.Nodes;
using static LeadPipeline.TestKit.Simulators.HubSpot.HubSpotAnswers;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>The associations API: which record belongs to which.</summary>
internal sealed class HubSpotAssociations(HubSpotStore store)
{
    public SimulatedAnswer Read(string from, string to, JsonArray inputs)
    {
        var (results, errors) = (new List<JsonNode>(), new List<JsonNode>());
        foreach (var id in inputs.Select(i => (string)i!["id"]!))
        {
            var targets = store.Find(from, id) is null ? [] : store.Associated(id, to).ToList();
            if (targets.Count == 0)
            {
                errors.Add(StandardError(new(404, "OBJECT_NOT_FOUND", $"No {to} is associated with {from} {id}."), "fromObjectId", id));
                continue;
            }
            results.Add(new JsonObject
            {
                ["from"] = new JsonObject { ["id"] = id },
                ["to"] = new JsonArray([.. targets.Select(t => (JsonNode)new JsonObject { ["toObjectId"] = t.Id, ["associationTypes"] = new JsonArray(new JsonObject { ["category"] = "HUBSPOT_DEFINED", ["typeId"] = TypeId(from, to) }) })]),
            });
        }
        return Batch(errors.Count == 0 ? 200 : 207, results, errors);
    }

    public SimulatedAnswer Link(string from, string to, JsonArray inputs)
    {
        var results = new List<JsonNode>();
        foreach (var input in inputs)
        {
            var (a, b) = ((string)input!["from"]!["id"]!, (string)input["to"]!["id"]!);
            if (store.Find(from, a) is null || store.Find(to, b) is null)
                return Problem(new(404, "OBJECT_NOT_FOUND", "one of the objects does not exist", "INVALID_ASSOCIATION"));
            store.Associate(a, b);
            foreach (var (x, y, type) in ((string, string, int)[])[(a, b, TypeId(from, to)), (b, a, TypeId(to, from))])
                results.Add(new JsonObject { ["from"] = new JsonObject { ["id"] = x }, ["to"] = new JsonObject { ["id"] = y }, ["associationSpec"] = new JsonObject { ["associationCategory"] = "HUBSPOT_DEFINED", ["associationTypeId"] = type } });
        }
        return Batch(200, results, []);
    }

    public SimulatedAnswer Unlink(JsonArray inputs)
    {
        foreach (var input in inputs)
        {
            foreach (var to in input!["to"]!.AsArray())
                store.Dissociate((string)input["from"]!["id"]!, (string)to!["id"]!);
        }
        return new SimulatedAnswer(204);
    }

    private static int TypeId(string from, string to) => HubSpotAccount.AssociationTypes.FirstOrDefault(t => t.Value == (from, to)).Key;
}
