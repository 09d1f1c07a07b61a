using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Reviews;

/// <summary>What a person sees who is to decide about a lead: all that is known of it, and beside each fact what was claimed about it.</summary>
public sealed class ReviewViews(LeadStore store, LeadQueries leads, RecordedRuns runs)
{
    /// <summary>A review; null: there is none of that name, or the lead has moved on.</summary>
    /// <param name="id">The review.</param>
    /// <param name="full">Whether personal fields are shown in full; if not, the person's own words are masked wherever they stand.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<JsonObject?> FindAsync(ReviewId id, bool full, CancellationToken cancellationToken)
    {
        var work = await store.LoadAsync(id.LeadId);
        if (work is null || work.Saga.Run != id.Run || work.Saga.Status is not (LeadStatus.Rejected or LeadStatus.NeedsReview or LeadStatus.Blocked))
            return null;
        if (await leads.FindAsync(id.LeadId, full, cancellationToken) is not { } view)
            return null;
        var (run, _) = await runs.FindAsync(id.LeadId, cancellationToken);
        view["id"] = id.ToString();
        var refusal = ReviewRules.WhyNot(work.Saga.Status, work.Grounding, work.Plan);
        view["approvable"] = refusal is null;
        view["needs"] = refusal?.Detail;
        var isOfRun = run?.Run == id.Run;
        view["said"] = isOfRun && run!.Then.Verdict is { } verdict
            ? new JsonObject { ["intent"] = verdict.Model.Intent, ["decision"] = verdict.Model.Decision, ["fitScore"] = verdict.Model.FitScore is { } score ? JsonNode.Parse(score.GetRawText()) : null }
            : null;
        view["errors"] = new JsonArray([.. (isOfRun ? run!.Then.Verdict?.Errors ?? [] : []).Select(e => (JsonNode)new JsonObject { ["code"] = e.Code, ["path"] = e.Path, ["message"] = e.Message })]);
        view["evidence"] = isOfRun ? Evidence(run!, full) : [];
        return view;
    }

    private static JsonArray Evidence(RecordedRun run, bool full)
    {
        var claims = (run.Then.Verdict?.Claims ?? []).ToLookup(c => c.FieldPath, StringComparer.Ordinal);
        return [.. run.Snapshot.Leaves.Select(l => (JsonNode)new JsonObject
        {
            ["path"] = l.Key,
            ["value"] = Shown(l.Key, l.Value.Value, full),
            ["provider"] = l.Value.Provider,
            ["door"] = l.Value.Door,
            ["fetchedAt"] = l.Value.FetchedAt.ToString("O", CultureInfo.InvariantCulture),
            ["claims"] = new JsonArray([.. claims[l.Key].Select(c => (JsonNode)new JsonObject
            {
                ["claimed"] = c.Claimed is { } claimed ? Shown(l.Key, claimed, full) : null,
                ["verdict"] = c.Verdict.ToString(),
                ["rule"] = c.Rule,
            })]),
        })];
    }

    private static JsonNode? Shown(string path, JsonElement value, bool full) =>
        full || !path.StartsWith("lead.", StringComparison.Ordinal) ? JsonNode.Parse(value.GetRawText()) : "***";
}
