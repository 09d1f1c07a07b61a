using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.Salesforce;

// What the answers make of the writes; what is sent is in SalesforceBatch.cs.
internal sealed partial class SalesforceBatch
{
    /// <summary>There is no time left for another exchange.</summary>
    public void OutOfTime() => Stop(new CrmOutcome.NotNow(NotNowKind.Transient, "there was no time left for the rest of the batch", Fault: CrmFault.Timeout));

    /// <summary>Takes the answer to a composite.</summary>
    /// <param name="composite">What was sent.</param>
    /// <param name="reply">What came.</param>
    /// <param name="me">Our own user id, when known.</param>
    public void Take(SalesforceRound.Composite composite, VendorReply reply, string? me)
    {
        var writes = composite.Parts.Where(p => p.Kind == PartKind.Write).Select(p => p.Write).ToList();
        var answers = reply is VendorReply.Answer { Status: 200, Body: var body } ? Answers(body, composite.Parts) : null;
        if (composite.Parts.All(p => p.Kind == PartKind.Version))
        {
            // What is written counts; a version that could not be read is none.
            unversioned.Clear();
            if (answers is not null)
                Done(composite, answers, me);
            return;
        }
        if (reply is VendorReply.Answer { Status: 200 } && answers is null)
            Lost(writes, composite.Parts[0].Write, "the CRM's answer cannot be read");
        else if (answers is null)
            Failed(reply, writes, composite.Parts[0].Write);
        else if (answers.Exists(a => a.Status >= 400))
            TakenBack(composite, answers, writes);
        else
            Done(composite, answers, me);
    }

    /// <summary>Takes the answer to a write that was a call of its own.</summary>
    public void Take(SalesforceRound.Direct direct, VendorReply reply)
    {
        switch (reply)
        {
            case VendorReply.Answer { Status: >= 200 and < 300 } done:
                Succeed(direct.Write, done.Status, done.Body);
                unversioned.Add(direct.Write);
                break;
            case VendorReply.Answer { Status: 300 or (>= 400 and < 500 and not 408) } no when no.Status == 300 || no.Body is JsonArray { Count: > 0 }:
                Refused(direct.Write, SalesforceErrors.Outcome(SalesforceError.Read(no.Status, no.Body), batch.Writes[direct.Write]));
                break;
            default:
                Failed(reply, [direct.Write], direct.Write);
                break;
        }
    }

    /// <summary>Takes what came of a conversion.</summary>
    public void Take(SalesforceRound.Convert convert, CrmOutcome outcome)
    {
        if (outcome is CrmOutcome.Done)
            Outcomes[convert.Write] = outcome;
        else
            Refused(convert.Write, outcome);
    }

    // Anything but an answer that tells of the single writes.
    private void Failed(VendorReply reply, List<int> writes, int first)
    {
        switch (reply)
        {
            case VendorReply.NotTaken none:
                Refused(first, new CrmOutcome.NotNow(none.Kind, none.Message, none.RetryAfter, none.Fault));
                break;
            case VendorReply.Lost lost:
                Lost(writes, first, lost.Message, lost.Fault);
                break;
            case VendorReply.Answer answer:
                var error = SalesforceError.Read(answer.Status, answer.Body);
                if (SalesforceErrors.MayBeTaken(answer.Status))
                    Lost(writes, first, SalesforceErrors.NotNow(error).Message, CrmFault.ServerError);
                else if (error.Code.Length == 0)
                    // An error page of something in between: nobody has looked at the request.
                    Refused(first, SalesforceErrors.NotNow(error) with { Kind = answer.Status == 429 ? NotNowKind.RateLimited : NotNowKind.Transient });
                else if (answer.Status is 403 or 404 or 429 or 503 || writes.Count == 0)
                    Refused(first, SalesforceErrors.NotNow(error));
                else
                    // The call itself was refused, before any of its parts was looked at; it would be refused for ever.
                    writes.ForEach(i => Refused(i, SalesforceErrors.Outcome(error, batch.Writes[i])));
                break;
        }
    }

    private static List<(CompositePart Part, int Status, JsonNode? Body)>? Answers(JsonNode? body, IReadOnlyList<CompositePart> parts)
    {
        if ((body as JsonObject)?["compositeResponse"] is not JsonArray array)
            return null;
        var byReference = array.OfType<JsonObject>().ToLookup(a => SalesforceFields.Text(a, "referenceId"));
        var answers = new List<(CompositePart, int, JsonNode?)>();
        foreach (var part in parts)
        {
            if (byReference[part.Reference].FirstOrDefault() is not { } answer || answer["httpStatusCode"] is not JsonValue value || !value.TryGetValue<int>(out var status))
                return null;
            answers.Add((part, status, answer["body"]));
        }
        return answers;
    }

    // One part failed, so nothing of the composite was written. Which one it was decides how it goes on.
    private void TakenBack(SalesforceRound.Composite composite, List<(CompositePart Part, int Status, JsonNode? Body)> answers, List<int> writes)
    {
        var errors = answers.Where(a => a.Status >= 300).Select(a => (a.Part, Error: SalesforceError.Read(a.Status, a.Body))).ToList();
        var cause = errors.Find(e => !e.Error.IsHalted);
        if (cause.Part is null)
        {
            // Every part fell with another one. Then a guard found nothing; the message of the part that needed it names it.
            var missing = errors.Select(e => e.Error.Message).FirstOrDefault(m => m.Contains("reference", StringComparison.OrdinalIgnoreCase) && m.Contains("No value for", StringComparison.OrdinalIgnoreCase));
            var named = composite.Parts.FirstOrDefault(p => missing?.Contains($" {p.Reference}.", StringComparison.Ordinal) == true);
            var guard = named ?? composite.Parts.FirstOrDefault(p => p.Kind is PartKind.Guard or PartKind.Childless);
            if (named is { Kind: PartKind.Write })
                // It was answered without one record's id: several carry its key.
                Refused(named.Write, SalesforceErrors.Outcome(new SalesforceError(300, "", "", [], []), batch.Writes[named.Write]));
            else if (guard is null)
                Lost(writes, composite.Parts[0].Write, "the CRM took the batch back and did not say why");
            else
                Refused(guard.Write, Missing(guard));
        }
        else if (cause.Part.Kind == PartKind.Version)
        {
            // Not worth a batch: what is written counts.
            readVersions = false;
            unversioned.Clear();
        }
        else if (cause.Part.Kind != PartKind.Write)
        {
            Refused(cause.Part.Write, SalesforceErrors.NotNow(cause.Error));
        }
        else
        {
            Refused(cause.Part.Write, SalesforceErrors.Outcome(cause.Error, batch.Writes[cause.Part.Write]));
        }
    }

    private static CrmOutcome.Refused Missing(CompositePart guard) => guard.Kind == PartKind.Childless
        ? new(CrmCodes.Permanent, "other records belong to the account by now")
        : new(CrmCodes.ChangedSince, "the record was changed meanwhile");

    private void Done(SalesforceRound.Composite composite, List<(CompositePart Part, int Status, JsonNode? Body)> answers, string? me)
    {
        foreach (var (part, _, body) in answers.Where(a => a.Part.Kind is PartKind.Guard or PartKind.Childless))
        {
            // A guard that travels alone has nothing that falls with it.
            if ((body as JsonObject)?["records"] is JsonArray { Count: 0 })
            {
                Refused(part.Write, Missing(part));
                return;
            }
        }
        foreach (var (part, status, body) in answers.Where(a => a.Part.Kind == PartKind.Write))
            Succeed(part.Write, status, body);
        foreach (var (part, _, body) in answers.Where(a => a.Part.Kind == PartKind.Version))
        {
            if (body is not JsonObject row || Outcomes[part.Write] is not CrmOutcome.Done done)
                continue;
            // Changed by somebody else between our write and this look: it is not ours any more, and no version that we know.
            var version = me is null || SalesforceIds.Normalise(SalesforceFields.Text(row, "LastModifiedById"), CrmObject.User) == me ? SalesforceFields.Version(row) : null;
            versions[done.RecordId] = version;
            for (var i = 0; i < Outcomes.Length; i++)
            {
                if (Outcomes[i] is CrmOutcome.Done { Version: null } other && other.RecordId == done.RecordId && batch.Writes[i] is not RemoveRecord)
                    Outcomes[i] = other with { Version = version };
            }
        }
    }

    private void Succeed(int i, int status, JsonNode? body)
    {
        var write = batch.Writes[i];
        if (status == 300)
        {
            Refused(i, SalesforceErrors.Outcome(new SalesforceError(300, "", "", [], []), write));
            return;
        }
        var id = write switch
        {
            UpdateRecord update => Known(update.Target, update.Object),
            RemoveRecord remove => SalesforceIds.Normalise(remove.Id, remove.Object),
            _ => body is JsonObject answer ? SalesforceIds.Normalise(SalesforceFields.Text(answer, "id"), write.Object) : null,
        };
        if (id is null)
        {
            Outcomes[i] = new CrmOutcome.Unknown("the CRM's answer names no record");
            stopAt = Math.Min(stopAt, i);
            return;
        }
        if (write is CreateRecord)
            _ = made.TryAdd(write.Step, id);
        var replayed = write is CreateRecord && body is JsonObject given && given["created"] is JsonValue created && created.TryGetValue<bool>(out var isNew) && !isNew;
        Outcomes[i] = new CrmOutcome.Done(id, Version: null, replayed);
    }

    private void Refused(int i, CrmOutcome outcome)
    {
        Outcomes[i] = outcome;
        if (outcome is CrmOutcome.Refused { Code: not CrmCodes.ChangedSince })
        {
            _ = refusedSteps.Add(batch.Writes[i].Step);
            if (batch.StopAtRefusal.Contains(batch.Writes[i].Step))
                stopAt = Math.Min(stopAt, i);
            return;
        }
        // Not now, or not as it was: what has not been written waits for the next look.
        for (var k = 0; k < Outcomes.Length; k++)
            Outcomes[k] ??= new CrmOutcome.NotTried();
    }

    private void Lost(List<int> writes, int first, string message, CrmFault fault = CrmFault.Unknown)
    {
        if (writes.Count == 0)
        {
            Refused(first, new CrmOutcome.NotNow(NotNowKind.Transient, message, Fault: fault));
            return;
        }
        foreach (var i in writes)
            Outcomes[i] = new CrmOutcome.Unknown(message, fault);
        for (var k = 0; k < Outcomes.Length; k++)
            Outcomes[k] ??= new CrmOutcome.NotTried();
    }

    private void Stop(CrmOutcome.NotNow notNow)
    {
        var first = Array.FindIndex(Outcomes, o => o is null);
        if (first >= 0)
            Refused(first, notNow);
    }
}
