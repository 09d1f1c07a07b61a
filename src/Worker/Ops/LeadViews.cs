using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Ops;

/// <summary>What people are told of a lead, from its rows: opened, put in words, and redacted for those who may not see a person's data.</summary>
public sealed class LeadViews(LeadCipher cipher, Redactor redactor)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a list tells of a lead.</summary>
    /// <param name="row">The lead.</param>
    /// <param name="run">Its current run, if it has one.</param>
    /// <param name="full">Whether personal fields are shown in full.</param>
    public JsonObject Head(LeadRow row, LeadRunRow? run, bool full) => Node(Written(json => WriteHead(json, row, run, Lead(row, Key(row)), full)));

    /// <summary>Everything known of a lead but its audit.</summary>
    /// <param name="row">The lead.</param>
    /// <param name="run">Its current run, if it has one.</param>
    /// <param name="effects">The ledger of that run, in the order of the steps.</param>
    /// <param name="full">Whether personal fields are shown in full.</param>
    public JsonObject Whole(LeadRow row, LeadRunRow? run, IReadOnlyList<EffectRow> effects, bool full) => Node(Write(row, run, effects, full));

    /// <summary>The same as a JSON object in UTF-8 on one line.</summary>
    public byte[] Write(LeadRow row, LeadRunRow? run, IReadOnlyList<EffectRow> effects, bool full) => Written(json => Write(json, row, run, effects, full));

    /// <summary>A time as people and programs are told it.</summary>
    public static string? Iso(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);

    private void Write(Utf8JsonWriter json, LeadRow row, LeadRunRow? run, IReadOnlyList<EffectRow> effects, bool full)
    {
        var key = Key(row);
        var lead = Lead(row, key);
        var grounding = key is null || run?.Grounding is null ? null : SealedJson.Open(key, run.Grounding, row.Id, ContractsJson.Default.GroundingResult);
        var plan = key is null || run?.Plan is null ? null : SealedJson.Open(key, run.Plan, row.Id, PlanOutlineJson.Default.PlanOutline);
        WriteHead(json, row, run, lead, full);
        json.WriteString("analyzer", run?.Analyzer);
        json.WritePropertyName("model");
        WriteModel(json, run);
        json.WriteString("executionId", row.Epoch > 0 ? DeterministicId.Execution(row.Id, row.Run, row.Epoch).ToString() : null);
        json.WriteString("runId", DeterministicId.Run(row.Id, row.Run));
        json.WriteNumber("run", row.Run);
        json.WritePropertyName("lead");
        WriteLead(json, lead, full);
        WriteArray(json, "plan", plan?.Steps ?? [], WriteStep);
        // Without its plan (the lead is erased) the ledger alone still tells which records there are.
        if (plan is null)
        {
            WriteArray(json, "effects", effects, e => WriteEffect(json, e.Step, e.Tool, e));
        }
        else
        {
            var byStep = effects.ToDictionary(e => e.Step);
            WriteArray(json, "effects", plan.Steps, s => WriteEffect(json, s.Id, s.Tool, byStep.GetValueOrDefault(s.Id)));
        }
        WriteArray(json, "claims", grounding?.Claims ?? [], c => WriteClaim(json, c, full));
        WriteArray(json, "lowered", grounding?.Lowered ?? [], l => WriteLowered(json, l));
        WriteArray(json, "signals", grounding?.Signals ?? [], s => JsonSerializer.Serialize(json, s, ContractsJson.Default.InjectionSignal));
        WriteArray(json, "warnings", [.. grounding?.Warnings ?? [], .. effects.Select(Warning).OfType<string>(), .. plan?.Differences ?? []], json.WriteStringValue);

        void WriteStep(PlanOutlineStep step)
        {
            json.WriteStartObject();
            json.WriteString("id", step.Id);
            json.WriteString("tool", step.Tool);
            json.WriteBoolean("critical", step.Critical);
            WriteArray(json, "when", step.When, json.WriteStringValue);
            json.WriteString("compensation", step.Compensation);
            json.WriteEndObject();
        }

        string? Warning(EffectRow effect) =>
            key is not null && effect.Sealed is not null && SealedJson.Open(key, effect.Sealed, row.Id, EffectJson.Default.EffectWarning).Warning is { } warning ? $"{effect.Step}: {warning}" : null;
    }

    /// <summary>What a list tells of a lead, and everything else begins with.</summary>
    private void WriteHead(Utf8JsonWriter json, LeadRow row, LeadRunRow? run, Lead? lead, bool full)
    {
        json.WriteString("leadId", row.Id);
        json.WriteString("email", lead is null ? null : full ? lead.Email : redactor.Value("email", lead.Email));
        json.WriteString("status", row.Status);
        json.WriteString("reason", row.Reason);
        json.WriteString("source", row.Source);
        json.WriteString("receivedAt", Iso(row.ReceivedAt));
        json.WriteString("updatedAt", Iso(row.UpdatedAt));
        json.WriteString("dueAt", Iso(row.DueAt));
        json.WriteString("grounding", run?.GroundingStatus);
        json.WriteString("intent", run?.Intent);
        json.WriteString("decision", run?.Decision);
        if (run?.FitScore is { } score)
            json.WriteNumber("fitScore", score);
        else
            json.WriteNull("fitScore");
    }

    /// <summary>How a model was asked; null without one.</summary>
    private static void WriteModel(Utf8JsonWriter json, LeadRunRow? run)
    {
        if (run?.ModelCall is { } call && JsonNode.Parse(call) is JsonObject model)
        {
            model["reused"] = model["answers"]?.GetValue<int>() == 0;
            model.WriteTo(json);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private void WriteLead(Utf8JsonWriter json, Lead? lead, bool full)
    {
        if (lead is null)
            json.WriteNullValue();
        else if (full)
            JsonSerializer.Serialize(json, lead, ContractsJson.Default.Lead);
        else
            redactor.Redact(JsonSerializer.SerializeToNode(lead, ContractsJson.Default.Lead))!.WriteTo(json);
    }

    private static void WriteEffect(Utf8JsonWriter json, string step, string tool, EffectRow? row)
    {
        json.WriteStartObject();
        json.WriteString("step", step);
        json.WriteString("tool", tool);
        json.WriteString("state", row?.State ?? EffectState.Planned.Name());
        json.WriteString("recordId", row?.RecordId);
        json.WriteString("error", row?.Error);
        json.WriteEndObject();
    }

    private static void WriteClaim(Utf8JsonWriter json, GroundedClaim claim, bool full)
    {
        // A claim about the person's own words repeats them; so may one on a field that there is not.
        var isShown = full || (EvidenceSchema.TryGet(claim.FieldPath, out var field) && field.Source != EvidenceSource.LEAD);
        json.WriteStartObject();
        json.WriteString("fieldPath", claim.FieldPath);
        json.WriteString("verdict", claim.Verdict.ToString());
        json.WriteString("rule", claim.Rule);
        WriteValue("claimed", claim.Claimed);
        WriteValue("truth", claim.Truth);
        json.WriteString("comparator", claim.Comparator);
        if (claim.Source is { } source)
            json.WriteString("source", source);
        if (claim.ClaimType is { } type)
            json.WriteString("claimType", type);
        json.WriteBoolean("central", claim.Central);
        json.WriteString("explanation", Explanation.Of(claim, isShown));
        json.WriteEndObject();

        void WriteValue(string name, JsonElement? value)
        {
            if (value is not { ValueKind: not JsonValueKind.Null } known)
            {
                json.WriteNull(name);
            }
            else if (!isShown)
            {
                json.WriteString(name, "***");
            }
            else
            {
                json.WritePropertyName(name);
                known.WriteTo(json);
            }
        }
    }

    private static void WriteLowered(Utf8JsonWriter json, Lowered lowered)
    {
        json.WriteStartObject();
        json.WriteString("what", lowered.What);
        json.WriteString("from", lowered.From);
        json.WriteString("to", lowered.To);
        json.WriteString("rule", lowered.Rule);
        json.WriteString("explanation", Explanation.Of(lowered));
        json.WriteEndObject();
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
            write(item);
        json.WriteEndArray();
    }

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, Relaxed);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static JsonObject Node(byte[] json) => JsonNode.Parse(json)!.AsObject();

    private LeadDataKey? Key(LeadRow row) => row.DataKey is null ? null : cipher.Unwrap(row.DataKey, row.Id);

    private static Lead? Lead(LeadRow row, LeadDataKey? key) => key is null ? null : SealedJson.Open(key, row.Body, row.Id, ContractsJson.Default.Lead);
}
