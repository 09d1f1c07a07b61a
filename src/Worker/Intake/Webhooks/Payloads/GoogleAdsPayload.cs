using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Google Ads lead form: columns by id. A test lead is answered like any other and goes no further.</summary>
public sealed class GoogleAdsPayload : IPayloadMapping
{
    private static readonly string[] Marks = ["campaign_id", "adgroup_id", "creative_id", "form_id", "gcl_id", "lead_stage"];

    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.At("is_test") is { ValueKind: JsonValueKind.True })
            return new MappedPayload.Ignored("a test lead");
        if (body.At("user_column_data") is not { ValueKind: JsonValueKind.Array } columns)
            return MappedPayload.Missing("$.user_column_data", "an array");

        var draft = new LeadDraft();
        foreach (var column in columns.EnumerateArray())
        {
            var (id, name) = (column.Text("column_id") ?? "", column.Text("column_name"));
            draft.Answer(FieldLabels.Field(id) is null && name is not null ? name : id, column.Text("string_value"));
        }
        foreach (var mark in Marks)
            draft.Custom(mark, body.Text(mark));
        draft.ReceivedAt(body.Text("lead_submit_time"));
        return MappedPayload.One(draft.ToElement(), body.Text("lead_id"));
    }
}
