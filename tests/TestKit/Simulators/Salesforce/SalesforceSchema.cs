namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>Types of fields, as far as they differ in what they take.</summary>
public enum FieldType { Text, Email, Picklist, Double, Int, Boolean, Date, DateTime, Reference }

/// <summary>A field of the simulated org.</summary>
public sealed record OrgField(string Name, FieldType Type)
{
    /// <summary>Longest text; 0: not limited.</summary>
    public int Length { get; init; }
    /// <summary>Whether a new record needs it.</summary>
    public bool Required { get; init; }
    /// <summary>Whether it may be written when a record is made.</summary>
    public bool Createable { get; init; } = true;
    /// <summary>Whether it may be changed.</summary>
    public bool Updateable { get; init; } = true;
    /// <summary>Whether it is an external id.</summary>
    public bool ExternalId { get; init; }
    /// <summary>Whether no two records may have the same value.</summary>
    public bool Unique { get; init; }
    /// <summary>Whether queries may filter by it; long texts may not be.</summary>
    public bool Filterable { get; init; } = true;
    /// <summary>The objects that it may point to.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];
    /// <summary>The values of a pick list that takes no others; empty: it takes any.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];
}

/// <summary>What a new org looks like, with our custom fields in it.</summary>
public static class SalesforceSchema
{
    /// <summary>The stages of a new org.</summary>
    public static IReadOnlyList<string> Stages { get; } =
        ["Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers", "Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"];

    /// <summary>Prefixes of ids.</summary>
    public static IReadOnlyDictionary<string, string> Prefixes { get; } = new Dictionary<string, string>
    {
        ["Account"] = "001", ["Contact"] = "003", ["User"] = "005", ["Opportunity"] = "006", ["Lead"] = "00Q", ["Task"] = "00T",
        ["CampaignMember"] = "00v", ["Campaign"] = "701", ["LeadStatus"] = "01J",
    };

    /// <summary>Objects and their fields. Written one a word: <c>Name:Type(length or targets)</c>, with <c>!</c> required, <c>#</c> read only, <c>+</c> on create only, <c>~</c> not to filter by, <c>*</c> external id and unique.</summary>
    public static Dictionary<string, Dictionary<string, OrgField>> New()
    {
        const string Common = "Id:Reference# CreatedDate:DateTime# LastModifiedDate:DateTime# LastModifiedById:Reference(User)# SystemModstamp:DateTime# ";
        var org = new Dictionary<string, Dictionary<string, OrgField>>(StringComparer.OrdinalIgnoreCase);
        Add("Lead", Common + "LastName:Text(80)! FirstName:Text(40) Company:Text(255)! Title:Text(128) Phone:Text(40) Website:Text(255) Country:Text(80) Email:Email(80) " +
            "Description:Text(32000)~ LeadSource:Picklist(255) Status:Picklist(255) Industry:Picklist(255) NumberOfEmployees:Int AnnualRevenue:Double OwnerId:Reference(User) " +
            "IsConverted:Boolean# ConvertedContactId:Reference(Contact)# ConvertedAccountId:Reference(Account)# ConvertedOpportunityId:Reference(Opportunity)# " +
            "LeadPipeline_Key__c:Text(255)* LeadPipeline_Effect__c:Text(255)* LeadPipeline_Score__c:Double LeadPipeline_Intent__c:Text(40) LeadPipeline_Tags__c:Text(32000)~ " +
            "LeadPipeline_Account__c:Reference(Account) LeadPipeline_Employees__c:Text(255) LeadPipeline_Revenue__c:Text(255) LeadPipeline_TechStack__c:Text(32000)~ LeadPipeline_Geo__c:Text(255) " +
            "LeadPipeline_FoundedYear__c:Double LeadPipeline_EnrichmentProvider__c:Text(255) LeadPipeline_EnrichmentConfidence__c:Double LeadPipeline_EnrichedAt__c:DateTime");
        Add("Account", Common + "Name:Text(255)! Website:Text(255) BillingCountry:Text(80) Industry:Picklist(255) Phone:Text(40) OwnerId:Reference(User) NumberOfEmployees:Int " +
            "LeadPipeline_Key__c:Text(255)* LeadPipeline_Effect__c:Text(255)* LeadPipeline_Domain__c:Text(255) LeadPipeline_Employees__c:Text(255)");
        Add("Contact", Common + "LastName:Text(80)! FirstName:Text(40) Email:Email(80) Title:Text(128) Phone:Text(40) MailingCountry:Text(80) Description:Text(32000)~ LeadSource:Picklist(255) " +
            "AccountId:Reference(Account) OwnerId:Reference(User) LeadPipeline_Effect__c:Text(255)*");
        Add("Opportunity", Common + "Name:Text(120)! StageName:Picklist(255)! CloseDate:Date! Amount:Double AccountId:Reference(Account) CampaignId:Reference(Campaign) OwnerId:Reference(User) IsClosed:Boolean# IsWon:Boolean# " +
            "LeadPipeline_Effect__c:Text(255)* LeadPipeline_Lead__c:Reference(Lead)");
        Add("Task", Common + "Subject:Text(255) Description:Text(32000)~ ActivityDate:Date Status:Picklist(255) Priority:Picklist(255) OwnerId:Reference(User) IsClosed:Boolean# " +
            "WhoId:Reference(Lead,Contact) WhatId:Reference(Account,Opportunity,Campaign) LeadPipeline_Effect__c:Text(255)*");
        Add("Campaign", Common + "Name:Text(80)! Status:Picklist(255) IsActive:Boolean");
        Add("CampaignMember", Common + "CampaignId:Reference(Campaign)!+ LeadId:Reference(Lead)+ ContactId:Reference(Contact)+ Status:Picklist(255) LeadPipeline_Effect__c:Text(255)*");
        Add("User", Common + "Name:Text(121) Email:Email(128) Username:Text(80) IsActive:Boolean");
        Add("LeadStatus", "Id:Reference# MasterLabel:Text(255)# IsConverted:Boolean# SortOrder:Int#");
        org["Opportunity"]["StageName"] = org["Opportunity"]["StageName"] with { Values = Stages };
        org["Task"]["Status"] = org["Task"]["Status"] with { Values = ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"] };
        org["Task"]["Priority"] = org["Task"]["Priority"] with { Values = ["High", "Normal", "Low"] };
        return org;

        void Add(string name, string fields) => org[name] = fields.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse).ToDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);
    }

    private static OrgField Parse(string text)
    {
        var marks = text[(text.TrimEnd('!', '#', '+', '~', '*').Length)..];
        var (name, rest) = (text.Split(':')[0], text.Split(':')[1].TrimEnd('!', '#', '+', '~', '*'));
        var type = Enum.Parse<FieldType>(rest.Split('(')[0]);
        var inner = rest.Contains('(') ? rest.Split('(')[1].TrimEnd(')') : "";
        return new OrgField(name, type)
        {
            Length = type == FieldType.Reference || inner.Length == 0 ? 0 : int.Parse(inner, System.Globalization.CultureInfo.InvariantCulture),
            Targets = type == FieldType.Reference && inner.Length > 0 ? inner.Split(',') : [],
            Required = marks.Contains('!'),
            Createable = !marks.Contains('#'),
            Updateable = !marks.Contains('#') && !marks.Contains('+'),
            Filterable = !marks.Contains('~'),
            ExternalId = marks.Contains('*'),
            Unique = marks.Contains('*'),
        };
    }
}
