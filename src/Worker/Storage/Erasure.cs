using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Destroys what is personal in the rows of a lead: its data key, all that was sealed with it outside the audit chain, and what could be used to
/// confirm a guess about the person. What routes and counts stays: ids, times, status, decision, score, the ids of CRM records. The audit chain is not
/// touched; its payloads are unreadable from now on, and it still verifies.
/// </summary>
/// <param name="InMockCrm">Whether the personal fields of the records that the lead made in the mock CRM go too.</param>
public sealed record Erasure(bool InMockCrm)
{
    /// <summary>What a CRM record keeps: how things stand, never who the person is or what was written about them.</summary>
    private static readonly HashSet<string> Kept =
    [
        CrmFields.Lead, CrmFields.Account, CrmFields.Opportunity, CrmFields.Campaign, CrmFields.Contact, CrmFields.ConvertedContact, CrmFields.ConvertedAccount,
        CrmFields.Status, CrmFields.Owner, CrmFields.Score, CrmFields.Intent, CrmFields.Source, CrmFields.Tags, CrmFields.Priority, CrmFields.DueDate,
        CrmFields.Stage, CrmFields.CloseDate, CrmFields.Amount, CrmFields.Currency, CrmFields.Corrects,
    ];

    /// <summary>An account is a company and not a person; other leads belong to it.</summary>
    private static readonly CrmObject[] Personal =
        [CrmObject.Lead, CrmObject.Contact, CrmObject.Opportunity, CrmObject.Task, CrmObject.Activity, CrmObject.Note, CrmObject.CampaignMember];

    /// <summary>Runs within a transaction.</summary>
    internal async Task RunAsync(SqlSession session, Guid leadId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        byte[] nothing = [];
        (string, object?)[] lead = [("lead", leadId)];
        await session.ExecuteAsync("UPDATE leads SET data_key = NULL, body = @nothing, record_key = '' WHERE id = @lead", cancellationToken, [.. lead, ("nothing", nothing)]);
        await session.ExecuteAsync("UPDATE lead_runs SET snapshot = @nothing, answer = NULL, grounding = NULL, plan = NULL WHERE lead_id = @lead", cancellationToken, [.. lead, ("nothing", nothing)]);
        // Hashes over what is known of a person: whoever believes to know all of it could find out whether it was so.
        await session.ExecuteAsync(
            "UPDATE lead_runs SET snapshot_hash = '', plan_hash = NULL, question_hash = NULL, model_call = CASE WHEN question_hash IS NULL THEN model_call ELSE REPLACE(model_call, question_hash, '') END WHERE lead_id = @lead",
            cancellationToken, lead);
        await session.ExecuteAsync("UPDATE approvals SET arguments_hash = '', sealed = @nothing WHERE lead_id = @lead", cancellationToken, [.. lead, ("nothing", nothing)]);
        await session.ExecuteAsync($"UPDATE effects SET sealed = NULL, request_hash = NULL, error = NULL WHERE {LeadTables.RowsOfLead}", cancellationToken, lead);
        await session.ExecuteAsync("UPDATE dead_letters SET detail = NULL, state = CASE WHEN state = 'open' THEN 'erased' ELSE state END WHERE lead_id = @lead", cancellationToken, lead);
        await session.ExecuteAsync("UPDATE review_verdicts SET corrections = NULL WHERE lead_id = @lead", cancellationToken, lead);
        await session.ExecuteAsync("UPDATE intake_keys SET body_hash = NULL WHERE lead_id = @lead", cancellationToken, lead);
        if (InMockCrm)
            await ForgetInCrmAsync(session, leadId, now, cancellationToken);
    }

    /// <summary>Takes the personal fields out of the mock CRM's records that a lead made, also of those that were withdrawn.</summary>
    internal static async Task ForgetInCrmAsync(SqlSession session, Guid leadId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var kind in Personal)
        {
            foreach (var row in await MadeByAsync(session, kind, leadId, cancellationToken))
            {
                var personal = row.Fields.Keys.Where(f => !Kept.Contains(f)).ToList();
                if (personal.Count == 0 && row.RecordKey is null)
                    continue;
                personal.ForEach(f => row.Fields.Remove(f));
                await CrmTables.OverwriteAsync(session, row, now, cancellationToken);
            }
        }
    }

    /// <summary>The records of one kind that carry an effect key of the lead, or of the correction of one.</summary>
    internal static async Task<List<CrmRow>> MadeByAsync(SqlSession session, CrmObject kind, Guid leadId, CancellationToken cancellationToken)
    {
        var keys = await session.QueryAsync($"SELECT effect_key FROM effects WHERE {LeadTables.RowsOfLead}", r => r.GetString(0), cancellationToken, ("lead", leadId));
        return keys.Count == 0
            ? []
            : await CrmTables.SelectWithRemovedAsync(session, kind, "{in:id}", cancellationToken, ("id", keys.SelectMany(k => (string[])[RecordIds.For(kind, k), RecordIds.For(kind, k + "/undo")]).ToArray()));
    }
}
