namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>One batch while it is written: what has come of each write, and what is known of the records. No I/O.</summary>
internal sealed class WriteState
{
    private readonly CrmOutcome?[] outcomes;
    private readonly Dictionary<string, string> idOfStep = [];
    private readonly HashSet<string> refusedSteps = [];
    private readonly Dictionary<(string Type, string Id), HubSpotRecord> records;
    private readonly HashSet<int> alone = [], propertiesDone = [];
    private int end;

    /// <param name="batch">What to write.</param>
    /// <param name="schema">Names.</param>
    /// <param name="records">The records that the batch changes or removes, as they are before it.</param>
    public WriteState(CrmBatch batch, HubSpotSchema schema, Dictionary<(string Type, string Id), HubSpotRecord> records)
    {
        (Batch, this.schema, this.records) = (batch, schema, records);
        outcomes = new CrmOutcome?[batch.Writes.Count];
        // A record that was changed since we saw it ends the batch before the write that relies on it; what stands before that is still written.
        end = Enumerable.Range(0, outcomes.Length).FirstOrDefault(IsOutdated, outcomes.Length);
        changedAt = end < outcomes.Length ? end : null;
    }

    private readonly HubSpotSchema schema;
    private readonly int? changedAt;

    public CrmBatch Batch { get; }

    /// <summary>Whether nothing more is to be sent.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The writes that wait, in order.</summary>
    public IEnumerable<int> Pending => Enumerable.Range(0, end).Where(i => outcomes[i] is null);

    public CrmWrite this[int write] => Batch.Writes[write];

    public bool IsPending(int write) => write < end && outcomes[write] is null;

    public bool IsCritical(int write) => Batch.StopAtRefusal.Contains(this[write].Step);

    /// <summary>Whether a write was refused along with others and is to be tried by itself.</summary>
    public bool IsAlone(int write) => alone.Contains(write);

    /// <summary>Whether the properties of an update are written and only its links are left.</summary>
    public bool ArePropertiesDone(int write) => propertiesDone.Contains(write);

    /// <summary>The id that a reference stands for; null: not known (yet).</summary>
    public string? Resolve(RecordRef reference) => reference.Id ?? idOfStep.GetValueOrDefault(reference.Step!);

    /// <summary>The id that a link's value stands for; null: not known (yet), or empty.</summary>
    public string? Resolve(string? link) => string.IsNullOrEmpty(link) ? null : Resolve(RecordRef.Parse(link));

    /// <summary>A record as it is now; null: it is not in HubSpot, or was not read.</summary>
    public HubSpotRecord? Record(string type, string id) => records.GetValueOrDefault((type, id));

    /// <summary>What the batch has written or found.</summary>
    public void Keep(string type, HubSpotRecord record) => records[(type, record.Id)] = record;

    /// <summary>Settles what needs no call: unsupported writes, and writes whose record or reference has come to nothing.</summary>
    public void SettleDoomed()
    {
        foreach (var i in Pending.ToList())
        {
            if (IsOver)
                return;
            if (i > 0 && this[i - 1].Step == this[i].Step && outcomes[i - 1] is not null and not CrmOutcome.Done)
                outcomes[i] = new CrmOutcome.NotTried();
            else if (this[i].References.Any(s => s != this[i].Step && refusedSteps.Contains(s)))
                Refuse(i, new(CrmCodes.InvalidReference, "the record that it refers to was refused"));
            else if (this[i] is ConvertLead)
                Refuse(i, new(CrmCodes.NotSupported, "HubSpot converts no leads: a person is one contact from the beginning"));
            else if (Target(i) is { } target && Record(target.Type, target.Id) is null)
                Refuse(i, new(CrmCodes.NotFound, "the record is not in HubSpot"));
        }
    }

    public void Done(int write, string id, string? version, bool replayed = false)
    {
        outcomes[write] = new CrmOutcome.Done(id, version, replayed);
        if (this[write] is CreateRecord create)
            _ = idOfStep.TryAdd(create.Step, id);
    }

    /// <summary>Refused for good; a critical step's refusal ends the batch.</summary>
    public void Refuse(int write, CrmOutcome.Refused refused)
    {
        outcomes[write] = refused;
        _ = refusedSteps.Add(this[write].Step);
        IsOver |= IsCritical(write);
    }

    /// <summary>The batch ends at a write, with this outcome.</summary>
    public void Stop(int write, CrmOutcome outcome)
    {
        outcomes[write] = outcome;
        IsOver = true;
    }

    /// <summary>No answer came to writes; the batch ends.</summary>
    public void Lose(IEnumerable<int> writes, CrmOutcome.Unknown outcome)
    {
        foreach (var i in writes)
            outcomes[i] = outcome;
        IsOver = true;
    }

    /// <summary>Writes that were refused together are tried one by one, to see whose refusal it is.</summary>
    public void Separate(IEnumerable<int> writes) => alone.UnionWith(writes);

    /// <summary>The properties of an update are written; its links are still to come.</summary>
    public void MarkPropertiesDone(int write) => propertiesDone.Add(write);

    /// <summary>One outcome a write.</summary>
    public IReadOnlyList<CrmOutcome> Outcomes()
    {
        if (!IsOver && changedAt is { } i)
            outcomes[i] = new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was changed meanwhile");
        return [.. outcomes.Select(o => o ?? new CrmOutcome.NotTried())];
    }

    /// <summary>The existing record that a write changes or removes; null: there is none, or its id is not known yet.</summary>
    public (string Type, string Id)? Target(int write) => this[write] switch
    {
        UpdateRecord update when HubSpotSchema.TypeOf(update.Object) is { } type && Resolve(update.Target) is { } id => (type, id),
        RemoveRecord { Object: CrmObject.CampaignMember } remove when CampaignMembership.Parse(remove.Id) is { } member => (HubSpotSchema.Contacts, member.Contact),
        RemoveRecord remove when HubSpotSchema.TypeOf(remove.Object) is { } type => (type, remove.Id),
        CreateRecord { Object: CrmObject.CampaignMember } create when Resolve(create.Fields.GetValueOrDefault(CrmFields.Lead)) is { } contact => (HubSpotSchema.Contacts, contact),
        _ => null,
    };

    private bool IsOutdated(int write)
    {
        var expected = this[write] switch { UpdateRecord update => update.ExpectedVersion, RemoveRecord { Object: not CrmObject.CampaignMember } remove => remove.ExpectedVersion, _ => null };
        return expected is not null && Target(write) is { } target && Record(target.Type, target.Id) is { } record && schema.Version(this[write].Object, record) != expected;
    }
}
