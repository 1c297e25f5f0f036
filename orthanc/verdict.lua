-- Notes the verdict of Scanside's structured report at its series and study, so that worklists and routing of this PACS
-- can go by it: as metadata and, from Orthanc 1.12 on, as a label too. See deploy/routing.md. In orthanc.json:
--   "LuaScripts": ["/etc/orthanc/verdict.lua"], "UserMetadata": { "ScansideVerdict": 5001 }

-- Quality Assessment (111050, DCM), PS3.16 CID 6044
local VERDICTS = { ['111237'] = 'usable', ['111236'] = 'check', ['111235'] = 'repeat' }
local METADATA, LABEL = '5001', 'scanside-'

local function code(item, sequence)
  local found = item[sequence]
  if type(found) == 'table' and found[1] then
    return found[1]['CodeValue'], found[1]['CodingSchemeDesignator']
  end
end

-- Finds the verdict's code anywhere in the content tree.
local function verdict(items)
  for _, item in ipairs(items or {}) do
    local name, scheme = code(item, 'ConceptNameCodeSequence')
    if name == '111050' and scheme == 'DCM' then
      return VERDICTS[code(item, 'ConceptCodeSequence')]
    end
    local below = verdict(item['ContentSequence'])
    if below then return below end
  end
end

-- A later report takes the place of an earlier one.
local function note(level, id, name)
  local path = '/' .. level .. '/' .. id
  RestApiPut(path .. '/metadata/' .. METADATA, name)
  if not ParseJson(RestApiGet('/system'))['HasLabels'] then return end
  for _, other in pairs(VERDICTS) do
    if other ~= name then RestApiDelete(path .. '/labels/' .. LABEL .. other) end
  end
  RestApiPut(path .. '/labels/' .. LABEL .. name, '')
end

function OnStoredInstance(instanceId, tags, metadata)
  if tags['Modality'] ~= 'SR' then return end
  local report = ParseJson(RestApiGet('/instances/' .. instanceId .. '/tags?simplify'))
  local name = verdict(report['ContentSequence'])
  if not name then return end
  note('studies', ParseJson(RestApiGet('/instances/' .. instanceId .. '/study'))['ID'], name)
  for _, study in ipairs(report['CurrentRequestedProcedureEvidenceSequence'] or {}) do
    for _, series in ipairs(study['ReferencedSeriesSequence'] or {}) do
      local asked = { Level = 'Series', Query = { SeriesInstanceUID = series['SeriesInstanceUID'] } }
      for _, id in ipairs(ParseJson(RestApiPost('/tools/find', DumpJson(asked, true)))) do
        note('series', id, name)
      end
    end
  end
  -- To send what has to be repeated to somebody: if name == 'repeat' then SendToModality(instanceId, 'reader') end
end
