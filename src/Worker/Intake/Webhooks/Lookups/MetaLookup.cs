using System.Text.Json;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>Reads leads of lead ads, a few at once: the Graph API has them one by one.</summary>
internal sealed class MetaLookup(VendorReader reader) : ILeadLookup
{
    public const string DefaultAddress = "https://graph.facebook.com/v24.0";

    private const int Together = 8;

    public async Task<LookupResult> FindAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var some in ids.Chunk(Together))
        {
            var answers = await Task.WhenAll(some.Select(id => reader.AskAsync($"{id}?fields=created_time,ad_id,form_id,campaign_id,field_data", null, cancellationToken)));
            if (answers.Select(a => a.Trouble).FirstOrDefault(t => t is not null) is { } trouble)
                return trouble;
            foreach (var (id, (answer, _)) in some.Zip(answers))
            {
                if (answer is not null)
                    found[id] = Lead(id, JsonSerializer.SerializeToElement(answer));
            }
        }
        return new LookupResult.Found(found);
    }

    private static JsonElement Lead(string id, JsonElement told)
    {
        var draft = new LeadDraft().Set("externalId", id);
        foreach (var field in told.At("field_data").Items())
            draft.Answer(field.Text("name") ?? "answer", field.Text("values"));
        foreach (var mark in new[] { "ad_id", "form_id", "campaign_id" })
            draft.Custom(mark, told.Text(mark));
        return draft.ReceivedAt(told.Text("created_time")).ToElement();
    }
}
