using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Makes the lead a member of a campaign.</summary>
public sealed class AttachCampaign() : RecordCreatingTool(CrmObject.CampaignMember)
{
    /// <inheritdoc/>
    public override string Name => "attach_campaign";

    /// <inheritdoc/>
    public override string Description => "Makes the lead a member of a campaign that exists.";

    /// <inheritdoc/>
    public override string Guarantee => "The campaign must exist; a lead that is a member stays one.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.UnknownCampaign];

    /// <inheritdoc/>
    public override bool FindsOrCreates => true;

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.SalesWorkflow;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Campaign, ParameterType.Text, "the campaign's id or name", Required: true, MaxLength: 100));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query.AskForLead(arguments) with { Campaign = arguments[CrmFields.Campaign]!.GetValue<string>() };

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view)
    {
        if (view.Campaign is not { } campaign)
            return new ToolDecision.Refuse(CrmCodes.UnknownCampaign, "The lead's campaign is not in the CRM; create it there, then replay the lead.");

        var member = view.Records.Values.FirstOrDefault(r =>
            r.Object == CrmObject.CampaignMember && r[CrmFields.Lead] == call.Text(CrmFields.Lead) && r[CrmFields.Campaign] == campaign.Id);
        return member is not null
            ? new ToolDecision.Unchanged(member.Id)
            : Create(call, null, (CrmFields.Lead, call.Text(CrmFields.Lead)), (CrmFields.Campaign, campaign.Id));
    }
}
